/** Protocol 2 at the server over real connections: what is served, and the link's own refusals. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MAC_HEADER } from '../../../src/peer/auth.ts';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { REFUSAL_STATUS, type RefusalCode } from '../../../src/peer/messages.ts';
import { endAll } from '../../support/ending.ts';
import {
  authenticatorOf,
  CHAIN,
  CONFIRM_I,
  CONFIRM_R,
  callSigned,
  EXCHANGE,
  expectError,
  HEAD,
  isSigned,
  KEY_ID,
  link2,
  MESSAGES,
  type RunningServer,
  startServer,
} from './support.ts';

let link: ReturnType<typeof link2>;
let server: RunningServer;

beforeEach(async () => {
  link = link2();
  server = await startServer([link]);
});
afterEach(endAll);

describe('what is served', () => {
  test('/new', async () => {
    const answer = await callSigned(server.port, { endpoint: '/new', message: HEAD });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({
      status: 'ok',
      exchange: EXCHANGE,
      chain: CHAIN,
      epoch: 2,
      key_ID: KEY_ID,
    });
    expect(link.port.calls).toEqual([{ endpoint: '/new', request: { exchange: EXCHANGE } }]);
  });

  test('/rotate', async () => {
    const message = MESSAGES['/rotate'];
    const answer = await callSigned(server.port, { endpoint: '/rotate', message });
    expect(answer.status).toBe(200);
    const request = { exchange: EXCHANGE, chain: CHAIN, epoch: 2, reserved: [] };
    expect(link.port.calls).toEqual([{ endpoint: '/rotate', request }]);
  });

  test('/rotate with keys laid by', async () => {
    const message = { ...MESSAGES['/rotate'], reserved: [KEY_ID] };
    await callSigned(server.port, { endpoint: '/rotate', message });
    expect(link.port.calls[0]?.request).toMatchObject({ reserved: [KEY_ID] });
  });

  test('/reserve', async () => {
    const message = MESSAGES['/reserve'];
    const answer = await callSigned(server.port, { endpoint: '/reserve', message });
    expect(answer.status).toBe(200);
    const request = { exchange: EXCHANGE, chain: CHAIN, epoch: 1 };
    expect(link.port.calls).toEqual([{ endpoint: '/reserve', request }]);
  });

  test('/ack', async () => {
    const message = MESSAGES['/ack'];
    const answer = await callSigned(server.port, { endpoint: '/ack', message });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({
      status: 'ok',
      exchange: EXCHANGE,
      confirm: CONFIRM_R.toString('base64'),
    });
    const request = { exchange: EXCHANGE, keyId: KEY_ID, confirm: CONFIRM_I };
    expect(link.port.calls).toEqual([{ endpoint: '/ack', request }]);
  });

  test('the answer proves its request to the initiator, and its status', async () => {
    const authenticator = authenticatorOf('alice', 'bob');
    const body = Buffer.from(JSON.stringify(HEAD));
    const sent = { method: 'POST', endpoint: '/new', body } as const;
    const requestMac = authenticator.signRequest(sent);
    const answer = await callSigned(server.port, { endpoint: '/new', message: HEAD });
    const proof = { ...sent, body: Buffer.from(answer.body), requestMac };
    const mac = String(answer.headers[MAC_HEADER.toLowerCase()]);
    expect(authenticator.verifyAnswer({ ...proof, status: 200 }, mac)).toBe(true);
    expect(authenticator.verifyAnswer({ ...proof, status: 409 }, mac)).toBe(false);
  });

  test('each link gets its own messages', async () => {
    const other = link2({
      remoteSaeId: 'carol',
      authenticator: authenticatorOf('bob', 'carol', 'another psk'),
    });
    const both = await startServer([link, other]);
    const answer = await callSigned(both.port, {
      endpoint: '/new',
      message: { ...HEAD, from: 'carol' },
      authenticator: authenticatorOf('carol', 'bob', 'another psk'),
    });
    expect(answer.status).toBe(200);
    expect(other.port.calls).toHaveLength(1);
    expect(link.port.calls).toHaveLength(0);
  });

  test.each(Object.entries(REFUSAL_STATUS) as [RefusalCode, number][])(
    'the refusal %s of the link, with its status and signed',
    async (code, status) => {
      link.port.reply = (): Promise<PeerReply> => Promise.resolve({ type: 'refused', code });
      const answer = await callSigned(server.port, { endpoint: '/new', message: HEAD });
      expectError(answer, status, code);
      expect(isSigned(answer)).toBe(true);
      expect(server.counters[code]).toBe(1);
    },
  );
});
