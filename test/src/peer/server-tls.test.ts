/** Mutual TLS at both ends: who is let in, who is not, and who may speak for whom. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { TlsConfig } from '../../../src/config/types.ts';
import { Protocol1Client } from '../../../src/peer/client-protocol-1.ts';
import { Protocol2Client } from '../../../src/peer/client-protocol-2.ts';
import { createPeerServer, type PeerHealth } from '../../../src/peer/server.ts';
import { type CertificateFiles, makeCertificates } from '../../support/certificates.ts';
import { atEnd, endAll } from '../../support/ending.ts';
import { makeFolder } from '../../support/folders.ts';
import { NEVER } from '../../support/never.ts';
import {
  authenticatorOf,
  CHAIN,
  EXCHANGE,
  KEY_ID,
  link1,
  link2,
  openConnection,
  PSK,
  type RunningServer,
  startServer,
  untilClosed,
} from './support.ts';

const OFFER = { type: 'offer', exchange: EXCHANGE, chain: CHAIN, epoch: 2, keyId: KEY_ID };

const folder = makeFolder();
let ours: CertificateFiles;
let theirs: CertificateFiles;

beforeAll(async () => {
  ours = await makeCertificates(join(folder, 'ours'), ['alice', 'bob', 'mallory']);
  theirs = await makeCertificates(join(folder, 'theirs'), ['alice', 'bob']);
});
afterEach(endAll);

function tlsOf(name: string, authority = ours, trusted = ours): TlsConfig {
  return { cacert: trusted.cacert, ...authority.leaf(name) };
}

function startBob(link = link2(), tls = tlsOf('bob')): Promise<RunningServer> {
  return startServer([link], { listen: { host: '127.0.0.1', port: 0, tls } });
}

function clientOf(
  port: number,
  tls: TlsConfig | null,
  psk = PSK,
  host = 'localhost',
): Protocol2Client {
  const client = new Protocol2Client({
    url: `https://${host}:${port}`,
    tls,
    authenticator: authenticatorOf('alice', 'bob', psk),
    localSaeId: 'alice',
    remoteSaeId: 'bob',
  });
  atEnd(() => client.close());
  return client;
}

describe('protocol 2 over mutual TLS', () => {
  test('the certificate of the remote SAE and the right psk are served', async () => {
    const { port } = await startBob();
    const result = await clientOf(port, tlsOf('alice')).requestNew({ exchange: EXCHANGE }, NEVER);
    expect(result).toEqual(OFFER);
  });

  test('an empty psk is replaced by the certificate', async () => {
    const { port } = await startBob(link2({ authenticator: authenticatorOf('bob', 'alice', '') }));
    const alice = clientOf(port, tlsOf('alice'), '');
    expect(await alice.requestNew({ exchange: EXCHANGE }, NEVER)).toEqual(OFFER);
    const mallory = clientOf(port, tlsOf('mallory'), '');
    expect(await mallory.requestNew({ exchange: EXCHANGE }, NEVER)).toMatchObject({
      type: 'silent',
    });
  });

  test('another certificate of the same CA is refused, even with the right psk', async () => {
    const link = link2();
    const { port, log } = await startBob(link);
    const client = clientOf(port, tlsOf('mallory'));
    expect(await client.requestNew({ exchange: EXCHANGE }, NEVER)).toEqual({
      type: 'silent',
      reason:
        'the peer says unauthenticated, without proof of origin: is the psk the same at both ends, and this end allowed there?',
    });
    expect(link.port.calls).toEqual([]);
    expect(log.lines[0]?.fields).toMatchObject({
      reason: 'the client certificate does not name the remote SAE of the link',
    });
  });

  test('the right certificate does not replace a psk that is set', async () => {
    const link = link2();
    const { port } = await startBob(link);
    const client = clientOf(port, tlsOf('alice'), 'a wrong psk');
    expect(await client.requestNew({ exchange: EXCHANGE }, NEVER)).toMatchObject({
      type: 'silent',
    });
    expect(link.port.calls).toEqual([]);
  });

  test.each<[string, () => TlsConfig | null]>([
    ['a client without a certificate', () => ({ cacert: ours.cacert, cert: null, key: null })],
    ['a client of another CA', () => tlsOf('alice', theirs)],
    ['a client that does not trust the server', () => tlsOf('alice', ours, theirs)],
    ['a client that trusts public CAs only', () => null],
  ])('%s gets no connection', async (_name, tls) => {
    const link = link2();
    const { port, counters } = await startBob(link);
    const result = await clientOf(port, tls()).requestNew({ exchange: EXCHANGE }, NEVER);
    const reason = expect.stringMatching(/^(the client certificate is refused: )?[A-Z_0-9]+$/);
    expect(result).toEqual({ type: 'silent', reason });
    expect(link.port.calls).toEqual([]);
    expect(counters.internal).toBe(0);
  });

  test('a server whose certificate is not for the host of the URL is refused', async () => {
    const link = link2();
    const listen = { host: '127.0.0.2', port: 0, tls: tlsOf('bob') };
    const { port } = await startServer([link], { listen });
    const client = clientOf(port, tlsOf('alice'), PSK, '127.0.0.2');
    expect(await client.requestNew({ exchange: EXCHANGE }, NEVER)).toEqual({
      type: 'silent',
      reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(link.port.calls).toEqual([]);
  });

  test('TLS below 1.2 is refused', async () => {
    const { port } = await startBob();
    const { cert, key } = ours.leaf('alice');
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      ca: readFileSync(ours.cacert),
      cert: readFileSync(cert),
      key: readFileSync(key),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
    });
    const error = await new Promise<Error | null>((resolve) => {
      socket.once('secureConnect', () => resolve(null)).once('error', resolve);
    });
    socket.destroy();
    expect(error).not.toBeNull();
  });

  test('a handshake that does not come, or is none, ends the connection', async () => {
    const tls = tlsOf('bob');
    const { port } = await startServer([link2()], {
      listen: { host: '127.0.0.1', port: 0, tls },
      limits: { tlsHandshakeTimeoutMs: 100 },
    });
    expect(await untilClosed(await openConnection(port))).toBe('');
    const plain = await openConnection(port);
    plain.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await untilClosed(plain)).not.toContain('status');
    const alice = clientOf(port, tlsOf('alice'));
    expect(await alice.requestNew({ exchange: EXCHANGE }, NEVER)).toEqual(OFFER);
  });

  test('a handshake under way does not hold up the end', async () => {
    const server = await startBob();
    const waiting = untilClosed(await openConnection(server.port));
    await server.close();
    expect(await waiting).toBe('');
  });
});

test('protocol 1 is bound to the certificate of its remote SAE as well', async () => {
  const { port } = await startServer([link1()], {
    listen: { host: '127.0.0.1', port: 0, tls: tlsOf('bob') },
  });
  const call = (name: string) => {
    const client = new Protocol1Client({ url: `https://localhost:${port}`, tls: tlsOf(name) });
    atEnd(() => client.close());
    return client.requestNew({ exchange: EXCHANGE }, NEVER);
  };
  expect(await call('alice')).toMatchObject({ type: 'offer', keyId: KEY_ID });
  expect(await call('mallory')).toEqual({ type: 'refused', code: 'unauthenticated' });
});

test('TLS files that cannot be used are named by their owner', () => {
  const tls = { ...tlsOf('bob'), key: ours.leaf('alice').key };
  const listen = { host: '127.0.0.1', port: 0, tls };
  const health = (): PeerHealth => ({ isWell: true, status: 'ok', links: {} });
  expect(() => createPeerServer({ listen, links: [], health, readiness: health })).toThrow(
    /^The TLS files of the peer API \(listen\) cannot be used/,
  );
  expect(() => clientOf(1, tls)).toThrow(/^The TLS files of the peer at https:\/\/localhost:1 /);
});
