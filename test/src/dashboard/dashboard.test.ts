/** Who is let in at the dashboard, and how; and that the page that is embedded is the present one. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { linkMachine } from '../../../machines/link.ts';
import { DashboardServer } from '../../../src/dashboard/server.ts';
import { STREAMS_MAX } from '../../../src/dashboard/streams.ts';
import { createLog } from '../../../src/log.ts';
import { Secret } from '../../../src/secret.ts';
import type { DaemonReport } from '../../../src/status/report.ts';
import { READ_ONCE } from '../../../src/tls.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { atEnd, endAll } from '../../support/ending.ts';
import { makeFolder } from '../../support/folders.ts';
import { freePort } from '../../support/programs/ports.ts';

const REPORT = { format: 1, verdict: 'protected', links: [] } as unknown as DaemonReport;

let base: string;
let port: number;
let token: string;

beforeEach(async () => {
  port = await freePort();
  const socket = join(makeFolder(), 'qupskd.sock');
  const server = new DashboardServer(
    { host: '127.0.0.1', port, tls: null, token: null },
    { socket, certificates: READ_ONCE, log: createLog({ level: 'error', format: 'json' }) },
  );
  atEnd(() => server.close());
  const { url, tokenFile } = await server.listen({ report: () => REPORT, history: () => [] });
  base = url.replace(/\/$/, '');
  token = readFileSync(tokenFile ?? '', 'utf8').trim();
});

afterEach(endAll);

interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** As `fetch`, which sets Host and cookies its own way. */
function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const asking = request(`${base}${path}`, { method, headers, agent: false }, (response) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
      response.destroy();
    });
    asking.once('error', reject);
    asking.end(body);
  });
}

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const login = (text: string, more: Record<string, string> = {}): Promise<Asked> =>
  ask('POST', '/login', { ...FORM, ...more }, `token=${encodeURIComponent(text)}`);
const cookieOf = ({ headers }: Asked): string => String(headers['set-cookie']).split(';')[0] ?? '';

describe('a stranger', () => {
  test.each(['/app.js', '/api/report', '/api/events', '/nothing'])('gets no %s', async (path) => {
    expect((await ask('GET', path)).status).toBe(401);
  });

  test('is sent to the form', async () => {
    expect(await ask('GET', '/')).toMatchObject({ status: 303, headers: { location: '/login' } });
  });

  test('who guesses is made to wait', async () => {
    const statuses: number[] = [];
    for (let tries = 0; tries < 12; tries += 1) statuses.push((await login('a guess')).status);
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(statuses.slice(10)).toEqual([429, 429]);
    const authorization = { Authorization: 'Bearer a-guess' };
    expect((await ask('GET', '/api/report', authorization)).status).toBe(429);
  });
});

describe('a browser', () => {
  test('that shows the token gets a cookie that no script and no other site can use', async () => {
    const answer = await login(token);
    expect(answer).toMatchObject({ status: 303, headers: { location: '/' } });
    const [cookie] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^qupskd-\d+=[\w-]{43}; .*HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
    const headers = { Cookie: cookieOf(answer) };
    expect((await ask('GET', '/', headers)).status).toBe(200);
    expect((await ask('GET', '/api/report', headers)).status).toBe(200);
    expect((await ask('POST', '/logout', headers)).status).toBe(303);
    expect((await ask('GET', '/api/report', headers)).status).toBe(401);
  });

  test('is told to load, frame and keep nothing', async () => {
    const { headers } = await ask('GET', '/login');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
  });

  test.each<[string, number, string, Record<string, string>]>([
    ['led here by a name of a stranger', 403, 'GET', { Host: 'evil.example' }],
    ['with that name and our port', 403, 'GET', { Host: 'evil.example:8015' }],
    ['with our address', 200, 'GET', { Host: '127.0.0.1:8015' }],
    ['on this machine', 200, 'GET', { Host: 'localhost:8015' }],
    ['that would change something', 405, 'PUT', {}],
    ['that wants no answer', 405, 'HEAD', {}],
  ])('%s: %i', async (_what, status, method, headers) => {
    expect((await ask(method, '/login', headers)).status).toBe(status);
  });

  test('may not be made to send the form by another site', async () => {
    const from = (origin: string) => login(token, { Origin: origin });
    expect((await from('https://evil.example')).status).toBe(403);
    expect((await from('null')).status).toBe(403);
    expect((await from(`http://127.0.0.1:${port}`)).status).toBe(303);
  });
});

test('streams are few', async () => {
  const headers = { Authorization: `Bearer ${token}` };
  const aborting = new AbortController();
  const open = () => fetch(`${base}/api/events`, { headers, signal: aborting.signal });
  const streams = await Promise.all(Array.from({ length: STREAMS_MAX }, open));
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
  const more = await open();
  expect([more.status, more.headers.get('retry-after')]).toEqual([503, '30']);
  aborting.abort();
});

describe('the page', () => {
  const assets = JSON.parse(readFileSync('src/dashboard/assets.json', 'utf8')) as Record<
    string,
    string
  >;

  test('is as its sources and the drawings of the machine are', () => {
    const made = execFileSync(process.execPath, ['scripts/dashboard.mjs', '--print']).toString();
    const isFresh = readFileSync('src/dashboard/assets.json', 'utf8') === made;
    expect(isFresh ? '' : 'src/dashboard/assets.json is stale: npm run docs').toBe('');
  });

  test('loads nothing from elsewhere, and has no script within', () => {
    const { 'index.html': index = '', 'app.js': script = '', 'app.css': style = '' } = assets;
    const foreign = /https?:\/\/(?!www\.w3\.org\/)/;
    for (const text of Object.values(assets)) expect(text).not.toMatch(foreign);
    expect(index).not.toMatch(/<script(?! src="\/app.js")|<style| style="| on[a-z]+="/);
    expect(style).not.toContain('@import');
    expect(Buffer.byteLength(script)).toBeLessThan(40_000);
  });

  test('every state of the machine has its place in a drawing', () => {
    const { 'index.html': index = '' } = assets;
    const titles = new Set(
      [...index.matchAll(/<title>(.*?)<\/title>/g)].map(([, title = '']) =>
        title.replaceAll('&#45;', '-'),
      ),
    );
    const leaves = Object.values(linkMachine.states).flatMap(function leavesOf(node): string[] {
      const inner = Object.values(node.states);
      return inner.length > 0 ? inner.flatMap(leavesOf) : [node.path.join('.')];
    });
    // Drawn in one frame with requesting: see drawing.ts.
    const drawn = leaves.map((name) =>
      name.replace(/^agreement\./, '').replace(/^rotating\./, 'requesting.'),
    );
    expect(drawn.filter((name) => !titles.has(name))).toEqual([]);
    expect(index).toContain('>requesting, rotating<');
  });
});

test('the file with the token goes with the server', async () => {
  const folder = makeFolder();
  const server = new DashboardServer(
    { host: '127.0.0.1', port: await freePort(), tls: null, token: null },
    {
      socket: join(folder, 'a.sock'),
      certificates: READ_ONCE,
      log: createLog({ level: 'error', format: 'json' }),
    },
  );
  const { tokenFile } = await server.listen({ report: () => REPORT, history: () => [] });
  expect(existsSync(tokenFile ?? '')).toBe(true);
  await server.close();
  expect(existsSync(tokenFile ?? '')).toBe(false);
});

test('over TLS any name may lead here, and the cookie never leaves TLS', async () => {
  const certificates = await makeCertificates(makeFolder(), ['dashboard']);
  const tls = { cacert: null, ...certificates.leaf('dashboard') };
  const server = new DashboardServer(
    { host: 'localhost', port: 0, tls, token: Secret.fromUtf8('a token of somebody who chose it') },
    {
      socket: null,
      certificates: READ_ONCE,
      log: createLog({ level: 'error', format: 'json' }),
    },
  );
  atEnd(() => server.close());
  const { url, tokenFile } = await server.listen({ report: () => REPORT, history: () => [] });
  expect(tokenFile).toBeNull();
  const ca = readFileSync(certificates.cacert);
  const headers = { ...FORM, Host: 'dash.example' };
  const options = { method: 'POST', ca, headers, agent: false, servername: 'localhost' };
  const asking = httpsRequest(`${url}login`, options);
  asking.end('token=a+token+of+somebody+who+chose+it');
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.destroy();
  expect(answer.statusCode).toBe(303);
  expect(answer.headers['set-cookie']?.[0]).toMatch(/; HttpOnly; Secure; SameSite=Strict$/);
});
