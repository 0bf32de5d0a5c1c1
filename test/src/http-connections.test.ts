/** Connections over TLS: with whom they are made, in which version, and who is turned away. */
import { readFileSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpCallerOptions } from '../../src/http-call.ts';
import { HttpConnections } from '../../src/http-connections.ts';
import { HttpListener } from '../../src/http-listener.ts';
import { loadTls, readTls, type TlsSource } from '../../src/tls.ts';
import { type CertificateFiles, makeCertificates } from '../support/certificates.ts';
import { atEnd, endAll } from '../support/ending.ts';
import { failureOf } from '../support/failure.ts';
import { makeFolder } from '../support/folders.ts';
import { NEVER } from '../support/never.ts';
import { bodyOf, callerOf, GET, get } from './http-caller.ts';

/** Without which OpenSSL 3 speaks no TLS below 1.2. */
const OLD_CIPHERS = 'ALL:@SECLEVEL=0';

let pki: CertificateFiles;
beforeAll(async () => {
  pki = await makeCertificates(makeFolder(), ['kme_1']);
});
afterEach(endAll);

/** A server whose certificate names kme_1 and localhost; it answers with the TLS version. */
async function tlsServer(options: ServerOptions = {}, host = '127.0.0.1') {
  let requests = 0;
  const files = readTls({ cacert: null, ...pki.leaf('kme_1') }, 'the test');
  const listener = new HttpListener({
    handler: ({ socket }, response) => {
      requests += 1;
      response.end((socket as TLSSocket).getProtocol());
    },
    limits: {},
    tls: { ...files, ...options },
    connectionsMax: 10,
    connectionsPerSourceMax: 10,
    closeGraceMs: 0,
  });
  atEnd(() => listener.close());
  const port = await listener.listen(host, 0);
  return { port, url: `https://${host}:${port}`, requests: () => requests };
}

const trusting = (): Partial<HttpCallerOptions> => ({
  tls: { cacert: pki.cacert, cert: null, key: null },
});

describe('the TLS version', () => {
  test.each<[string, ServerOptions]>([
    ['TLSv1.3', {}],
    ['TLSv1.2', { maxVersion: 'TLSv1.2' }],
    ['TLSv1.3', { minVersion: 'TLSv1.3' }],
  ])('is %s with a server that has %j', async (version, options) => {
    const { url } = await tlsServer(options);
    expect(await bodyOf(get(url, trusting()))).toBe(version);
  });

  test('is never 1.1: a server that speaks nothing later gets no request', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: OLD_CIPHERS } as const;
    const { port, url, requests } = await tlsServer(old);
    const willing = connect({ port, ca: readFileSync(pki.cacert), ...old });
    atEnd(() => willing.destroy());
    await new Promise((resolve) => willing.once('secureConnect', resolve));
    expect(willing.getProtocol()).toBe('TLSv1.1');

    expect(await get(url, trusting())).toEqual({ type: 'unseen', reason: 'EPROTO' });
    expect(requests()).toBe(0);
  });
});

test('certificates are verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says', () => {
  // Node reads the environment of the process, which a test cannot set.
  const { agent } = new HttpConnections({
    url: 'https://127.0.0.1',
    tls: null,
    server: 'the test',
    keepAliveMs: null,
  });
  expect(agent).toMatchObject({ options: { rejectUnauthorized: true } });
});

describe("the server's identity", () => {
  test.each([
    ['common name', 'kme_1'],
    ['alternative name', 'localhost'],
  ])('is found in its %s', async (_, serverIdentity) => {
    const { url } = await tlsServer();
    expect(await bodyOf(get(url, { ...trusting(), serverIdentity }))).toBe('TLSv1.3');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'that is another one gets no request, also not at the second call (%s)',
    async (version) => {
      const { url, requests } = await tlsServer({ minVersion: version, maxVersion: version });
      for (const serverIdentity of ['kme_2', 'KME_1', 'kme_', '']) {
        const caller = callerOf(url, { ...trusting(), serverIdentity });
        for (let count = 0; count < 2; count += 1) {
          expect(await caller.send(GET, NEVER)).toEqual({
            type: 'unseen',
            reason:
              "the server's certificate does not name the configured identity: ERR_SERVER_IDENTITY",
          });
        }
      }
      expect(requests()).toBe(0);
    },
  );

  test('does not make up for a host that the certificate is not for', async () => {
    const { url } = await tlsServer({}, '127.0.0.2');
    expect(await get(url, { ...trusting(), serverIdentity: 'kme_1' })).toEqual({
      type: 'unseen',
      reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  test('does not make up for a CA that is not trusted', async () => {
    const { url } = await tlsServer();
    const result = await get(url, { serverIdentity: 'kme_1' });
    expect(result).toEqual({ type: 'unseen', reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  test('cannot be checked over plain http', async () => {
    const call = (): unknown => callerOf('http://127.0.0.1:9', { serverIdentity: 'kme_1' });
    const error = await failureOf(Promise.resolve().then(call));
    expect(error).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message:
        'The identity of the test at http://127.0.0.1:9 cannot be checked: its URL is plain http.',
    });
  });
});

test('a caller that is closed follows its TLS files no longer', async () => {
  const { url } = await tlsServer();
  let followers = 0;
  const certificates: TlsSource = {
    follow: (tls, owner) => {
      followers += 1;
      return { loaded: loadTls(tls, owner), end: () => (followers -= 1) };
    },
  };
  const caller = callerOf(url, { ...trusting(), certificates });
  await bodyOf(caller.send(GET, NEVER));
  expect(followers).toBe(1);
  caller.close();
  expect(followers).toBe(0);
});
