/** The caller of protocol 2 with the real server, and with none; and its connections. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { MAC_HEADER } from '../../../src/peer/auth.ts';
import type { Protocol2ClientInput } from '../../../src/peer/client-protocol-2.ts';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { formatOffer, REFUSAL_STATUS, type RefusalCode } from '../../../src/peer/messages.ts';
import { endAll } from '../../support/ending.ts';
import { NEVER } from '../../support/never.ts';
import { closedPort, tcpServer } from '../../support/servers.ts';
import { ACK, clientOf, NEW, OFFER, ROTATE, send, signAsBob, startPeer } from './fake-peer.ts';
import { authenticatorOf, CONFIRM_R, link2, startServer } from './support.ts';

afterEach(endAll);

describe('with the real server', () => {
  test('the three calls', async () => {
    const link = link2();
    const { port } = await startServer([link]);
    const client = clientOf(port);
    expect(await client.requestNew(NEW, NEVER)).toEqual({ type: 'offer', ...OFFER });
    expect(await client.requestRotate(ROTATE, NEVER)).toEqual({ type: 'offer', ...OFFER });
    expect(await client.ack(ACK, NEVER)).toEqual({ type: 'confirmed', confirm: CONFIRM_R });
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
    expect(await clientOf(port).requestNew(NEW, NEVER)).toEqual({ type: 'refused', code });
  });

  test.each<[string, Partial<Protocol2ClientInput>, string]>([
    [
      'another psk',
      { authenticator: authenticatorOf('alice', 'bob', 'another') },
      'the peer says unauthenticated, without proof of origin: ' +
        'is the psk the same at both ends, and this end allowed there?',
    ],
    [
      'another SAE ID',
      { remoteSaeId: 'carol' },
      'the peer says unknown_link, without proof of origin: are the SAE IDs those of the other end, ' +
        'and the right way round?',
    ],
  ])('%s is silence with a hint', async (_name, change, reason) => {
    const { port } = await startServer([link2()]);
    const result = await clientOf(port, change).requestNew(NEW, NEVER);
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
    expect(await client.requestNew(NEW, NEVER)).toEqual({ type: 'offer', ...OFFER });
  });
});

describe('no answer is silence', () => {
  test('nobody listens', async () => {
    const result = await clientOf(await closedPort()).requestNew(NEW, NEVER);
    expect(result).toEqual({ type: 'silent', reason: 'ECONNREFUSED' });
  });

  test('the connection breaks before the answer', async () => {
    const { port } = await startPeer((_request, response) => response.socket?.destroy());
    const result = await clientOf(port).requestNew(NEW, NEVER);
    expect(result).toEqual({ type: 'silent', reason: 'ECONNRESET' });
  });

  test('the answer is longer than 8 KiB', async () => {
    const { port } = await startPeer((request, response) =>
      send(response, signAsBob(request, 200, Buffer.alloc(8 * 1024 + 1, 0x20))),
    );
    const result = await clientOf(port).requestNew(NEW, NEVER);
    expect(result).toEqual({ type: 'silent', reason: 'the answer is longer than 8192 bytes' });
  });

  test('the answer does not come in time', async () => {
    const { port } = await startPeer(() => {});
    const result = await clientOf(port, { totalTimeoutMs: 100 }).requestNew(NEW, NEVER);
    expect(result).toEqual({ type: 'silent', reason: 'no whole answer in 100 ms' });
  });

  test('the TLS handshake does not come in time', async () => {
    const { port } = await tcpServer(() => {});
    const client = clientOf(1, { url: `https://127.0.0.1:${port}`, connectTimeoutMs: 50 });
    const result = await client.requestNew(NEW, NEVER);
    expect(result).toEqual({ type: 'silent', reason: 'not connected in 50 ms' });
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
    const { port } = await startPeer((_request, response) => {
      response.writeHead(307, { Location: '/elsewhere' }).end();
    });
    expect(await clientOf(port).requestNew(NEW, NEVER)).toMatchObject({ type: 'silent' });
  });

  test('close() ends what is under way', async () => {
    const peer = await startPeer(() => client.close());
    const client = clientOf(peer.port);
    expect(await client.requestNew(NEW, NEVER)).toEqual({ type: 'silent', reason: 'ECONNRESET' });
  });
});

test('one connection serves many calls', async () => {
  const sockets = new Set<unknown>();
  const { port } = await startPeer((request, response) => {
    sockets.add(response.socket);
    send(response, signAsBob(request, 200, formatOffer(OFFER)));
  });
  const client = clientOf(port);
  for (let count = 0; count < 3; count += 1) {
    expect(await client.requestNew(NEW, NEVER)).toMatchObject({ type: 'offer' });
  }
  expect(sockets.size).toBe(1);
});

test('an ack without a confirmation is a bug, and nothing is sent', async () => {
  const { port, requests } = await startPeer(() => {});
  await expect(clientOf(port).ack({ ...ACK, confirm: null }, NEVER)).rejects.toThrow(
    'needs a confirmation',
  );
  expect(requests).toEqual([]);
});
