/** Other links while the server runs: they come and go at once, and those that stay notice nothing. */
import { once } from 'node:events';
import { request as openRequest } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { PEER_SERVER_LIMITS } from '../../../src/peer/limits.ts';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { endAll } from '../../support/ending.ts';
import { until } from '../../support/until.ts';
import {
  authenticatorOf,
  call,
  callSigned,
  HEAD,
  link1,
  link2,
  OFFER,
  openConnection,
  startServer,
  untilClosed,
} from './support.ts';

const NEW = { endpoint: '/new', message: HEAD } as const;

afterEach(endAll);

/** Protocol 2, towards somebody else. */
function otherLink2() {
  return link2({ remoteSaeId: 'carol', authenticator: authenticatorOf('bob', 'carol') });
}

async function codeOf(port: number, path: string, method = 'GET'): Promise<unknown> {
  const { status, body } = await call(port, { method, path });
  return status === 200 ? 200 : [status, JSON.parse(body).code];
}

test('links are there from one request to the next, and gone as well', async () => {
  const [kept, leaving] = [link2(), otherLink2()];
  const server = await startServer([kept, leaving]);
  server.replaceLinks([kept]);
  expect((await callSigned(server.port, NEW)).status).toBe(200);
  server.replaceLinks([leaving]);
  const answer = await callSigned(server.port, NEW);
  expect([answer.status, JSON.parse(answer.body).code]).toEqual([404, 'unknown_link']);
  server.replaceLinks([leaving, kept]);
  expect((await callSigned(server.port, NEW)).status).toBe(200);
});

test('paths and methods are those of the links that there are', async () => {
  const { port, replaceLinks } = await startServer([link2()]);
  expect(await codeOf(port, '/new')).toEqual([405, 'method_not_allowed']);
  expect(await codeOf(port, '/north/new')).toEqual([404, 'not_found']);
  replaceLinks([link1('north')]);
  expect(await codeOf(port, '/new')).toBe(200);
  expect(await codeOf(port, '/north/new')).toBe(200);
  expect(await codeOf(port, '/new', 'POST')).toEqual([405, 'method_not_allowed']);
  replaceLinks([link1('north'), link1('south')]);
  // With two of them the root is nobody's.
  expect(await codeOf(port, '/new')).toEqual([404, 'not_found']);
  expect(await codeOf(port, '/south/new')).toBe(200);
  replaceLinks([]);
  expect(await codeOf(port, '/south/new')).toEqual([404, 'not_found']);
});

test('a request under way is answered, on a link that stays and on one that goes', async () => {
  const [kept, leaving] = [link2(), link1('leaving')];
  const releases: ((reply: PeerReply) => void)[] = [];
  for (const { port } of [kept, leaving]) {
    port.reply = () => new Promise((resolve) => releases.push(resolve));
  }
  const { port, replaceLinks } = await startServer([kept, leaving]);
  const calls = [callSigned(port, NEW), call(port, { method: 'GET', path: '/leaving/new' })];
  await until(() => releases.length === calls.length);
  replaceLinks([kept]);
  for (const release of releases) release(OFFER);
  expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200]);
});

test('what a link that stays is busy with still counts', async () => {
  const kept = link2();
  const releases: ((reply: PeerReply) => void)[] = [];
  kept.port.reply = () => new Promise((resolve) => releases.push(resolve));
  const limits = { linkRequestsMax: 1 };
  const { port, replaceLinks } = await startServer([kept, otherLink2()], { limits });
  const first = callSigned(port, NEW);
  await until(() => releases.length === 1);
  replaceLinks([kept]);
  const second = await callSigned(port, NEW);
  expect([second.status, JSON.parse(second.body).code]).toEqual([503, 'busy']);
  for (const release of releases) release(OFFER);
  expect((await first).status).toBe(200);
});

test('a body that was on its way finds no link that has gone meanwhile, and no wiped key', async () => {
  const leaving = link2();
  const { port, replaceLinks, log } = await startServer([leaving]);
  const body = Buffer.from(JSON.stringify(HEAD));
  const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
  const sending = openRequest({ port, host: '127.0.0.1', method: 'POST', path: '/new', headers });
  sending.write(body.subarray(0, 1));
  // A later request is answered: by then the server has read the beginning of this one.
  await codeOf(port, '/healthz');
  replaceLinks([]);
  leaving.authenticator?.wipe();
  sending.end(body.subarray(1));
  const [{ statusCode }] = await once(sending, 'response');
  expect(statusCode).toBe(404);
  expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a link more bears connections and requests more', async () => {
  const limits = {
    connectionsMax: PEER_SERVER_LIMITS.connectionsMax,
    connectionsPerSourceMax: 0,
    connectionsPerLink: 1,
    rateRequestsMax: 0,
    rateRequestsPerLink: 2,
  };
  const { port, replaceLinks } = await startServer([link2()], { limits });
  expect(await codeOf(port, '/healthz')).toBe(200);
  expect(await codeOf(port, '/healthz')).toBe(200);
  expect(await codeOf(port, '/healthz')).toEqual([503, 'busy']);
  replaceLinks([link2(), otherLink2()]);
  // The count goes on where it was: three of four.
  expect(await codeOf(port, '/healthz')).toBe(200);
  expect(await codeOf(port, '/healthz')).toEqual([503, 'busy']);

  const [first, second] = [await openConnection(port), await openConnection(port)];
  const third = untilClosed(await openConnection(port));
  expect(await third).toBe('');
  expect([first.destroyed, second.destroyed]).toEqual([false, false]);
});
