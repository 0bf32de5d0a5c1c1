/**
 * `/effect` over real connections: served, called, and told apart from a peer that has none.
 *
 * What the server refuses is in server-refusals.test.ts, together with the other endpoints.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import { formatError } from '../../../src/peer/messages.ts';
import { endAll } from '../../support/ending.ts';
import { NEVER } from '../../support/never.ts';
import { closedPort } from '../../support/servers.ts';
import { clientOf, send, signAsBob, startPeer } from './fake-peer.ts';
import {
  authenticatorOf,
  CHAIN,
  call,
  callSigned,
  EXCHANGE,
  expectError,
  isSigned,
  link1,
  link2,
  MESSAGES,
  NEWS,
  startServer,
} from './support.ts';

const ANSWER = { status: 'ok', chain: CHAIN, epoch: 2, installed: true, in_effect: false };

afterEach(endAll);

describe('the server', () => {
  test('tells the link at once, and answers with what it says', async () => {
    const link = link2();
    // Its machine hangs; the message needs it not.
    link.port.reply = () => new Promise(() => {});
    const { port } = await startServer([link]);
    const message = MESSAGES['/effect'];
    const answer = await callSigned(port, { endpoint: '/effect', message });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, ANSWER]);
    expect(isSigned(answer)).toBe(true);
    expect(link.tunnel.told).toEqual([NEWS]);
    expect(link.port.calls).toEqual([]);
  });

  test('tells the link that the message is for, and no other', async () => {
    const authenticator = authenticatorOf('bob', 'carol');
    const [ofAlice, ofCarol] = [link2(), link2({ authenticator, remoteSaeId: 'carol' })];
    const { port } = await startServer([ofAlice, ofCarol]);
    const message = { ...MESSAGES['/effect'], from: 'carol' };
    const carol = authenticatorOf('carol', 'bob');
    const signed = { endpoint: '/effect', message, authenticator: carol } as const;
    expect((await callSigned(port, signed)).status).toBe(200);
    expect([ofAlice.tunnel.told, ofCarol.tunnel.told]).toEqual([[], [NEWS]]);
  });

  test('has it for protocol 2 alone', async () => {
    const link = link1();
    const { port } = await startServer([link]);
    const body = JSON.stringify(MESSAGES['/effect']);
    for (const path of ['/effect', '/to-alice/effect']) {
      expectError(await call(port, { method: 'POST', path, body }), 404, 'not_found');
    }
    expect(link.tunnel.told).toEqual([]);
  });
});

describe('the caller', () => {
  test('with the real server', async () => {
    const link = link2();
    const { port } = await startServer([link]);
    const result = await clientOf(port).tellEffect({ ...NEWS, inEffect: false }, NEVER);
    const told = { chain: CHAIN, epoch: 2, installed: true, inEffect: false };
    expect(result).toEqual({ type: 'told', ...told });
    expect(link.tunnel.told).toEqual([{ ...NEWS, inEffect: false }]);
  });

  test('a peer without the path is told apart, and nothing is proved by it', async () => {
    const { port } = await startServer([]);
    expect(await clientOf(port).tellEffect(NEWS, NEVER)).toEqual({ type: 'unsupported' });
  });

  test('a link that the peer does not have is no path that it does not have', async () => {
    const { port } = await startServer([link2({ remoteSaeId: 'carol' })]);
    expect(await clientOf(port).tellEffect(NEWS, NEVER)).toEqual({
      type: 'silent',
      reason: expect.stringMatching(/^the peer says unknown_link, without proof of origin: /),
    });
  });

  test('what an authenticated peer refuses', async () => {
    const { port } = await startPeer((request, response) =>
      send(response, signAsBob(request, 503, formatError('busy'))),
    );
    expect(await clientOf(port).tellEffect(NEWS, NEVER)).toEqual({ type: 'refused', code: 'busy' });
  });

  test.each([
    ['of another chain', { ...ANSWER, chain: EXCHANGE }],
    ['of another epoch', { ...ANSWER, epoch: 3 }],
  ])('an answer %s is silence', async (_name, answer) => {
    const { port } = await startPeer((request, response) =>
      send(response, signAsBob(request, 200, answer)),
    );
    expect(await clientOf(port).tellEffect(NEWS, NEVER)).toEqual({
      type: 'silent',
      reason: 'the answer is for another chain or epoch',
    });
  });

  test.each([
    ['with another word', 'false', 'true'],
    ['without a field', ',"installed":true', ''],
  ])('an answer %s than the one that was signed is silence', async (_name, part, other) => {
    const { port } = await startPeer((request, response) => {
      const right = signAsBob(request, 200, ANSWER);
      const tampered = Buffer.from(right.body.toString().replace(part, other));
      send(response, { ...right, body: tampered });
    });
    expect(await clientOf(port).tellEffect(NEWS, NEVER)).toEqual({
      type: 'silent',
      reason: 'the peer answered 200, without proof of origin',
    });
  });

  test('nobody there', async () => {
    const result = await clientOf(await closedPort()).tellEffect(NEWS, NEVER);
    expect(result).toEqual({ type: 'silent', reason: 'ECONNREFUSED' });
  });
});
