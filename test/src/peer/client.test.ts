/** The caller of protocol 2 with the real server, and with none; and its connections. */
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { MAC_HEADER } from '../../../src/peer/auth.ts';
import type { PeerClientInput } from '../../../src/peer/client.ts';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { formatOffer, REFUSAL_STATUS, type RefusalCode } from '../../../src/peer/messages.ts';
import {
  ACK,
  clientOf,
  closePeers,
  NEW,
  OFFER,
  open,
  ROTATE,
  type SeenRequest,
  SIGNAL,
  send,
  signAsBob,
  startPeer,
} from './fake-peer.ts';
import { authenticatorOf, CONFIRM_R, link2, startServer } from './support.ts';

afterEach(closePeers);

describe('with the real server', () => {
  test('the three calls', async () => {
    const link = link2();
    const { port } = await startServer([link]);
    const client = clientOf(port);
    expect(await client.requestNew(NEW, SIGNAL)).toEqual({ type: 'offer', ...OFFER });
    expect(await client.requestRotate(ROTATE, SIGNAL)).toEqual({ type: 'offer', ...OFFER });
    expect(await client.ack(ACK, SIGNAL)).toEqual({ type: 'confirmed', confirm: CONFIRM_R });
    expect(link.port.calls).toEqual([
      { endpoint: '/new', request: NEW },
      { endpoint: '/rotate', request: ROTATE },
      { endpoint: '/ack', request: ACK },
    ]);
  });

  test.each(Object.keys(REFUSAL_STATUS) as RefusalCode[])('the refusal %s', async (code) => {
    const link = link2();
    link.port.reply = () => Promise.resolve<PeerReply>({ type: 'refused', code });
    const { port } = await startServer([link]);
    expect(await clientOf(port).requestNew(NEW, SIGNAL)).toEqual({ type: 'refused', code });
  });

  test.each<[string, Partial<PeerClientInput>, string]>([
    [
      'another psk',
      { authenticator: authenticatorOf('alice', 'bob', 'another') },
      'the peer says unauthenticated, without proof of origin: ' +
        'is the psk the same at both ends, and this end allowed there?',
    ],
    [
      'another SAE ID',
      { remoteSaeId: 'carol' },
      'the peer says unknown_link, without proof of origin',
    ],
  ])('%s is silence with a hint', async (_name, change, reason) => {
    const { port } = await startServer([link2()]);
    const result = await clientOf(port, change).requestNew(NEW, SIGNAL);
    expect(result).toEqual({ type: 'silent', reason });
  });

  test('a prefix that a reverse proxy strips is no part of what is signed', async () => {
    const { port } = await startServer([link2()]);
    const proxy = await startPeer(({ endpoint, body, headers }, response) => {
      const path = endpoint.replace('/site-a', '');
      const { [MAC_HEADER.toLowerCase()]: mac } = headers;
      void fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { [MAC_HEADER]: String(mac) },
        body,
      }).then(async (answer) => {
        const bytes = Buffer.from(await answer.arrayBuffer());
        send(response, { status: 200, body: bytes, mac: answer.headers.get(MAC_HEADER) ?? '' });
      });
    });
    const client = clientOf(proxy.port, { url: `http://127.0.0.1:${proxy.port}/site-a` });
    expect(await client.requestNew(NEW, SIGNAL)).toEqual({ type: 'offer', ...OFFER });
  });
});

describe('no answer is silence', () => {
  test('nobody listens', async () => {
    const { port, server } = await startPeer(() => {});
    await new Promise((resolve) => server.close(resolve));
    const result = await clientOf(port).requestNew(NEW, SIGNAL);
    expect(result).toEqual({ type: 'silent', reason: 'ECONNREFUSED' });
  });

  test('no such host', async () => {
    const client = clientOf(1, { url: 'http://no-such-host.invalid' });
    const result = await client.requestNew(NEW, SIGNAL);
    expect(result).toEqual({ type: 'silent', reason: expect.stringMatching(/^E[A-Z_]+$/) });
  });

  test('the connection breaks before the answer', async () => {
    const { port } = await startPeer((_request, response) => response.socket?.destroy());
    const result = await clientOf(port).requestNew(NEW, SIGNAL);
    expect(result).toEqual({ type: 'silent', reason: 'ECONNRESET' });
  });

  test('the answer breaks off in its middle', async () => {
    const { port } = await startPeer((_request, response) => {
      response.writeHead(200, { 'Content-Length': 100 }).write('{"status"');
      setImmediate(() => response.socket?.destroy());
    });
    expect(await clientOf(port).requestNew(NEW, SIGNAL)).toMatchObject({ type: 'silent' });
  });

  test('the answer is longer than 8 KiB', async () => {
    const { port } = await startPeer((request, response) =>
      send(response, signAsBob(request, 200, Buffer.alloc(8 * 1024 + 1, 0x20))),
    );
    const result = await clientOf(port).requestNew(NEW, SIGNAL);
    expect(result).toEqual({ type: 'silent', reason: 'ERR_BAD_RESPONSE' });
  });

  test('the answer is no HTTP', async () => {
    const server = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const result = await clientOf(port).requestNew(NEW, SIGNAL);
    expect(result).toEqual({ type: 'silent', reason: expect.stringMatching(/^HPE_/) });
  });

  test('the answer does not come in time, or does not end', async () => {
    const reason = 'no whole answer in 100 ms';
    for (const answer of [
      () => {},
      (_request: SeenRequest, response: ServerResponse) => void response.write('{'),
    ]) {
      const { port } = await startPeer(answer);
      const client = clientOf(port, { totalTimeoutMs: 100 });
      expect(await client.requestNew(NEW, SIGNAL)).toEqual({ type: 'silent', reason });
    }
  });

  test('the TLS handshake does not come in time', async () => {
    const server = createTcpServer((socket) => void socket.on('error', () => {}));
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = clientOf(1, { url: `https://127.0.0.1:${port}`, connectTimeoutMs: 50 });
    const result = await client.requestNew(NEW, SIGNAL);
    expect(result).toEqual({ type: 'silent', reason: 'no connection in 50 ms' });
  });

  test('the caller gives up, before or during', async () => {
    const reason = 'the call was cancelled';
    const stopper = new AbortController();
    const { port, requests } = await startPeer(() => stopper.abort());
    const client = clientOf(port);
    expect(await client.requestNew(NEW, stopper.signal)).toEqual({ type: 'silent', reason });
    expect(await client.requestNew(NEW, AbortSignal.abort())).toEqual({ type: 'silent', reason });
    expect(requests).toHaveLength(1);
  });

  test('a redirection is not followed', async () => {
    const other = await startPeer(() => {});
    const { port } = await startPeer((_request, response) => {
      response.writeHead(307, { Location: `http://127.0.0.1:${other.port}/new` }).end();
    });
    expect(await clientOf(port).requestNew(NEW, SIGNAL)).toMatchObject({ type: 'silent' });
    expect(other.requests).toHaveLength(0);
  });
});

describe('connections', () => {
  test('one is used again', async () => {
    const sockets = new Set<unknown>();
    const { port } = await startPeer((request, response) => {
      sockets.add(response.socket);
      send(response, signAsBob(request, 200, formatOffer(OFFER)));
    });
    const client = clientOf(port);
    for (let count = 0; count < 3; count += 1) {
      expect(await client.requestNew(NEW, SIGNAL)).toMatchObject({ type: 'offer' });
    }
    expect(sockets.size).toBe(1);
  });

  test('one that is used again needs no time to connect', async () => {
    const { port } = await startPeer((request, response) => {
      setTimeout(() => send(response, signAsBob(request, 200, formatOffer(OFFER))), 400);
    });
    const client = clientOf(port, { connectTimeoutMs: 300 });
    for (let count = 0; count < 2; count += 1) {
      expect(await client.requestNew(NEW, SIGNAL)).toMatchObject({ type: 'offer' });
    }
  });

  test('a proxy from the environment is not asked', async () => {
    const proxy = await startPeer((_request, response) => void response.end());
    const { port } = await startServer([link2()]);
    const names = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'] as const;
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`;
    try {
      expect(await clientOf(port).requestNew(NEW, SIGNAL)).toMatchObject({ type: 'offer' });
    } finally {
      for (const [index, name] of names.entries()) {
        const value = before[index];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
    expect(proxy.requests).toHaveLength(0);
  });

  test('close() ends what is under way', async () => {
    const peer = await startPeer(() => client.close());
    const client = clientOf(peer.port);
    expect(await client.requestNew(NEW, SIGNAL)).toEqual({ type: 'silent', reason: 'ECONNRESET' });
  });
});
