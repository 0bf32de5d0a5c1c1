/**
 * New TLS files while calls go on, over real mutual TLS: no call fails, no connection in use is cut,
 * and what is connected afterwards shows the new certificate.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CertificateWatch } from '../../src/certificate-watch.ts';
import type { HttpCaller } from '../../src/http-call.ts';
import { PEER_SERVER_LIMITS } from '../../src/peer/limits.ts';
import { createPeerListener } from '../../src/peer/listener.ts';
import {
  type CertificateFiles,
  type LeafFiles,
  makeCertificates,
} from '../support/certificates.ts';
import { atEnd, endAll } from '../support/ending.ts';
import { makeFolder } from '../support/folders.ts';
import { NEVER } from '../support/never.ts';
import { until } from '../support/until.ts';
import { bodyOf, callerOf, GET } from './http-caller.ts';
import { RecordingLog } from './peer/support.ts';

const POLL_MS = 5;

let pki: CertificateFiles;
let ours: LeafFiles;
let theirs: LeafFiles;
let watch: CertificateWatch;
let log: RecordingLog;

beforeAll(async () => {
  pki = await makeCertificates(makeFolder(), ['client', 'client, renewed', 'server', 'renewed']);
});
beforeEach(() => {
  const folder = makeFolder();
  ours = { cert: join(folder, 'client.crt'), key: join(folder, 'client.key') };
  theirs = { cert: join(folder, 'server.crt'), key: join(folder, 'server.key') };
  for (const part of ['cert', 'key'] as const) put('client', part, ours);
  for (const part of ['cert', 'key'] as const) put('server', part, theirs);
  log = new RecordingLog();
  watch = new CertificateWatch({ log, pollMs: POLL_MS });
  watch.start();
  atEnd(() => watch.stop());
});
afterEach(endAll);

function put(name: string, part: keyof LeafFiles, files: LeafFiles): void {
  copyFileSync(pki.leaf(name)[part], `${files[part]}.new`);
  renameSync(`${files[part]}.new`, files[part]);
}

const serialOf = (name: string): string =>
  new X509Certificate(readFileSync(pki.leaf(name).cert)).serialNumber;

/** The peer API's own listener with another application; it answers with the client's serial. */
async function server(handler?: RequestListener) {
  const serials: string[] = [];
  const sockets: TLSSocket[] = [];
  const listener = createPeerListener({
    app: (request, response) => {
      const socket = request.socket as TLSSocket;
      if (!sockets.includes(socket)) sockets.push(socket);
      serials.push(socket.getPeerCertificate().serialNumber);
      if (handler === undefined) response.end(serials.at(-1));
      else handler(request, response);
    },
    listen: { host: '127.0.0.1', port: 0, tls: { cacert: pki.cacert, ...theirs } },
    limits: { ...PEER_SERVER_LIMITS, keepAliveMs: 60_000 },
    linkCount: 1,
    certificates: watch,
    log,
  });
  atEnd(() => listener.close());
  const port = await listener.listen('127.0.0.1', 0);
  return { port, serials, sockets, url: `https://127.0.0.1:${port}` };
}

const clientOf = (url: string, keepAliveMs: number | null = 60_000): HttpCaller =>
  callerOf(url, { tls: { cacert: pki.cacert, ...ours }, certificates: watch, keepAliveMs });

/** Calls, one after the other, until there is enough; each must be answered. */
async function callUntil(caller: HttpCaller, isEnough: () => boolean): Promise<void> {
  await until(async () => {
    await bodyOf(caller.send(GET, NEVER));
    return isEnough();
  });
}

const lines = (): string[] => log.lines.map(({ level, message }) => `${level} ${message}`);
const KEPT = 'warn new TLS files cannot be used yet; the former ones stay in use';
const TAKEN = 'info new TLS files are in use';

describe('new files of the client', () => {
  test.each([60_000, null])(
    'are shown to the server, and no call fails meanwhile (connections kept: %p ms)',
    async (keepAliveMs) => {
      const { url, serials } = await server();
      const caller = clientOf(url, keepAliveMs);
      await callUntil(caller, () => serials.length > 10);
      put('client, renewed', 'cert', ours);
      // The certificate is there without its key: calls go on with the former ones.
      await callUntil(caller, () => lines().includes(KEPT));
      expect(new Set(serials)).toEqual(new Set([serialOf('client')]));
      put('client, renewed', 'key', ours);
      await callUntil(caller, () => serials.at(-1) === serialOf('client, renewed'));
      const before = serials.length;
      await callUntil(caller, () => serials.length > before + 10);
      expect(new Set(serials.slice(before))).toEqual(new Set([serialOf('client, renewed')]));
      expect(lines()).toEqual([KEPT, TAKEN]);
    },
  );

  /** A server that keeps its first call waiting; the files change meanwhile. */
  async function changeDuringCall() {
    let answerFirst = (): void => {};
    const served = await server((_request, response) => {
      if (served.serials.length > 1) response.end('another');
      else answerFirst = () => response.end('the first');
    });
    const caller = clientOf(served.url);
    const first = caller.send(GET, NEVER);
    await until(() => served.serials.length === 1);
    // Beside the one in use, an idle connection.
    await bodyOf(caller.send(GET, NEVER));
    put('client, renewed', 'key', ours);
    put('client, renewed', 'cert', ours);
    await until(() => lines().includes(TAKEN));
    return { ...served, caller, first, answerFirst };
  }

  test('close the idle connection, and the one in use when it is free', async () => {
    const { caller, first, answerFirst, sockets, serials } = await changeDuringCall();
    const [inUse, idle] = sockets;
    await until(() => idle?.destroyed === true);
    expect(inUse?.destroyed).toBe(false);
    await bodyOf(caller.send(GET, NEVER));
    expect(serials).toEqual(['client', 'client', 'client, renewed'].map(serialOf));
    answerFirst();
    expect(await bodyOf(first)).toBe('the first');
    await until(() => inUse?.destroyed === true);
    expect(sockets[2]?.destroyed).toBe(false);
  });

  test('do not keep the caller from closing what it had before', async () => {
    const { caller, first } = await changeDuringCall();
    caller.close();
    expect(await first).toEqual({ type: 'unanswered', reason: 'ECONNRESET' });
  });
});

describe('new files of the server', () => {
  /** A connection that shows which certificate the server has. */
  async function connectTo(port: number): Promise<TLSSocket> {
    const [ca, cert, key] = [pki.cacert, pki.leaf('client').cert, pki.leaf('client').key].map(
      (file) => readFileSync(file),
    );
    const socket = connect({ port, host: '127.0.0.1', ca, cert, key });
    atEnd(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
  }
  const shown = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber;

  test('are shown to who connects; who is connected stays, and no call fails', async () => {
    const { url, port, serials } = await server();
    const [kept, eachTime] = [clientOf(url), clientOf(url, null)];
    const open = await connectTo(port);
    expect(shown(open)).toBe(serialOf('server'));
    await bodyOf(kept.send(GET, NEVER));
    put('renewed', 'key', theirs);
    put('renewed', 'cert', theirs);
    await callUntil(eachTime, () => lines().includes(TAKEN));
    expect(shown(await connectTo(port))).toBe(serialOf('renewed'));
    await bodyOf(kept.send(GET, NEVER));
    await callUntil(eachTime, () => serials.length > 20);
    open.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(String((await once(open, 'data'))[0])).toContain('200 OK');
  });

  test('may change before it listens', async () => {
    const listener = createPeerListener({
      app: (_request, response) => response.end(),
      listen: { host: '127.0.0.1', port: 0, tls: { cacert: pki.cacert, ...theirs } },
      limits: PEER_SERVER_LIMITS,
      linkCount: 1,
      certificates: watch,
      log,
    });
    atEnd(() => listener.close());
    put('renewed', 'key', theirs);
    put('renewed', 'cert', theirs);
    await until(() => lines().includes(TAKEN));
    const port = await listener.listen('127.0.0.1', 0);
    expect(shown(await connectTo(port))).toBe(serialOf('renewed'));
  });

  test('still ask the client for its certificate', async () => {
    const { url } = await server();
    put('renewed', 'key', theirs);
    put('renewed', 'cert', theirs);
    await until(() => lines().includes(TAKEN));
    const anonymous = callerOf(url, { tls: { cacert: pki.cacert, cert: null, key: null } });
    expect((await anonymous.send(GET, NEVER)).type).not.toBe('answer');
  });
});
