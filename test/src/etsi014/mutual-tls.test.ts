/** TLS between SAE and KME, of both sides, with certificates made for this file. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { KmeClient } from '../../../src/etsi014/client.ts';
import { createSimulator } from '../../../src/etsi014/simulator/server.ts';
import { type CertificateFiles, makeCertificates } from '../../support/certificates.ts';
import { endAll } from '../../support/ending.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { makeFolder } from '../../support/folders.ts';
import { NEVER } from '../../support/never.ts';
import { serve } from '../../support/servers.ts';
import { clientOf, simulatorAt } from './support.ts';

const folder = makeFolder();
let trusted: CertificateFiles;
let foreign: CertificateFiles;

beforeAll(async () => {
  trusted = await makeCertificates(join(folder, 'trusted'), ['kme', 'alice', 'bob', 'mallory']);
  foreign = await makeCertificates(join(folder, 'foreign'), ['kme', 'alice']);
});
afterEach(endAll);

const simulatorWithTls = async () =>
  await simulatorAt({ tls: { cacert: trusted.cacert, ...trusted.leaf('kme') } });

const clientAs = (url: string, name: string): KmeClient =>
  clientOf(url, { tls: { cacert: trusted.cacert, ...trusted.leaf(name) } });

const anonymousClient = (url: string): KmeClient =>
  clientOf(url, { tls: { cacert: trusted.cacert, cert: null, key: null } });

const foreignClient = (url: string): KmeClient =>
  clientOf(url, { tls: { cacert: trusted.cacert, ...foreign.leaf('alice') } });

/** A KME that breaks the handshake off instead of answering 401. */
async function strictServer(options: https.ServerOptions): Promise<string> {
  const { cert, key } = trusted.leaf('kme');
  const { url } = await serve(
    https.createServer(
      {
        ca: readFileSync(trusted.cacert),
        cert: readFileSync(cert),
        key: readFileSync(key),
        requestCert: true,
        rejectUnauthorized: true,
        ...options,
      },
      (_request, response) => response.end('{}'),
    ),
  );
  return url.replace('http:', 'https:');
}

describe('the simulator with mutual TLS', () => {
  test('clause 5.1: a trusted certificate is accepted, its common name is the SAE ID', async () => {
    const { url } = await simulatorWithTls();
    expect((await clientAs(url, 'alice').getStatus('bob', NEVER)).masterSaeId).toBe('alice');
  });

  test('clause 5.4: delivered to the SAE that was named, 401 for another', async () => {
    const { url } = await simulatorWithTls();
    const { keyId, key } = await clientAs(url, 'alice').getKey('bob', NEVER);
    const refused = await failureOf(
      clientAs(url, 'mallory').getKeyWithKeyIds('alice', keyId, NEVER),
    );
    expect(refused.code).toBe('ERR_KME_UNAUTHORIZED');
    const fetched = await clientAs(url, 'bob').getKeyWithKeyIds('alice', keyId, NEVER);
    expect(fetched.key.equals(key.reveal())).toBe(true);
  });

  test('clause 5.1: 401 without a certificate, and for one of another CA', async () => {
    const { url } = await simulatorWithTls();
    for (const client of [anonymousClient(url), foreignClient(url)]) {
      const error = await failureOf(client.getKey('bob', NEVER));
      expect(error.code).toBe('ERR_KME_UNAUTHORIZED');
    }
  });

  test("clause 5.1: the KME's certificate must name the KME that is configured", async () => {
    const { url } = await simulatorWithTls();
    const tls = { cacert: trusted.cacert, ...trusted.leaf('alice') };
    await clientOf(url, { tls, kmeId: 'kme' }).getKey('bob', NEVER);
    const other = clientOf(url, { tls, kmeId: 'kme_of_another_site' });
    const error = await failureOf(other.getKey('bob', NEVER));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
  });

  test('a resumed session keeps its certificate, and no header overrides it', async () => {
    const { url } = await simulatorWithTls();
    const { cert, key } = trusted.leaf('alice');
    const agent = new https.Agent({
      ca: readFileSync(trusted.cacert),
      cert: readFileSync(cert),
      key: readFileSync(key),
    });
    const seen: [boolean, string][] = [];
    for (let requests = 1; requests <= 2; requests += 1) {
      const headers = { 'X-SAE-ID': 'mallory' };
      const request = https.get(`${url}/api/v1/keys/bob/status`, { agent, headers });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const resumed = (response.socket as TLSSocket).isSessionReused();
      const status = (await json(response)) as { master_SAE_ID: string };
      seen.push([resumed, status.master_SAE_ID]);
    }
    expect(seen).toEqual([
      [false, 'alice'],
      [true, 'alice'],
    ]);
  });

  test('HTTPS without a CA asks for no certificate', async () => {
    const { url } = await simulatorAt({ tls: { cacert: null, ...trusted.leaf('kme') } });
    const status = await anonymousClient(url).getStatus('bob', NEVER);
    expect(status.masterSaeId).toBe('anonymous');
  });
});

describe('the client', () => {
  test('a KME whose certificate is of another CA gets no request', async () => {
    const { url } = await simulatorAt({ tls: { cacert: null, ...foreign.leaf('kme') } });
    const error = await failureOf(clientAs(url, 'alice').getKey('bob', NEVER));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
    expect(error.message).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  test('a KME that refuses the handshake has not seen the request', async () => {
    const withTls13 = await strictServer({ minVersion: 'TLSv1.3' });
    const withTls12 = await strictServer({ maxVersion: 'TLSv1.2' });
    for (const client of [
      anonymousClient(withTls13),
      anonymousClient(withTls12),
      foreignClient(withTls12),
    ]) {
      expect((await failureOf(client.getKey('bob', NEVER))).code).toBe('ERR_KME_UNREACHABLE');
    }
  });

  test('a KME that resets after the handshake may have seen it; the remedy says why', async () => {
    const error = await failureOf(
      foreignClient(await strictServer({ minVersion: 'TLSv1.3' })).getKey('bob', NEVER),
    );
    expect(error.code).toBe('ERR_KME_NO_ANSWER');
    expect(error.remedy).toContain('certificate');
  });

  test('TLS 1.1 is refused', async () => {
    const url = await strictServer({
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    const error = await failureOf(clientAs(url, 'alice').getKey('bob', NEVER));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
  });

  test('the private key is in no error', async () => {
    const pem = readFileSync(trusted.leaf('alice').key, 'utf8');
    const [, firstLine = pem] = pem.split('\n');
    const url = await strictServer({ maxVersion: 'TLSv1.2', ca: readFileSync(foreign.cacert) });
    const error = await failureOf(clientAs(url, 'alice').getKey('bob', NEVER));
    expect(shown(error)).not.toContain(firstLine);
  });
});

test('TLS files that cannot be used are named by their owner', () => {
  const tls = { cacert: null, cert: trusted.leaf('alice').cert, key: trusted.leaf('bob').key };
  expect(() => clientOf('https://kme.invalid', { tls })).toThrow(
    /^The TLS files of the KME at https:\/\/kme\.invalid cannot be used/,
  );
  expect(() => createSimulator({ tls })).toThrow(/^The TLS files of the simulated KME cannot/);
});
