/** The caller of protocol 2: which answers count, and that all others are silence. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { formatOffer } from '../../../src/peer/messages.ts';
import { endAll } from '../../support/ending.ts';
import { NEVER } from '../../support/never.ts';
import {
  ACK,
  clientOf,
  NEW,
  OFFER,
  ROTATE,
  type SeenRequest,
  type SignedAnswer,
  send,
  signAsBob,
  startPeer,
} from './fake-peer.ts';
import { authenticatorOf, CHAIN, CONFIRM_R, EXCHANGE, KEY_ID } from './support.ts';

afterEach(endAll);

const offer = { status: 'ok', exchange: EXCHANGE, chain: CHAIN, epoch: 2, key_ID: KEY_ID };

describe('an answer without the right proof is silence', () => {
  test('the control: the same answer with its proof', async () => {
    const { port } = await startPeer((request, response) =>
      send(response, signAsBob(request, 200, offer)),
    );
    expect(await clientOf(port).requestNew(NEW, NEVER)).toMatchObject({ type: 'offer' });
  });

  test.each<[string, (right: SignedAnswer, request: SeenRequest) => SignedAnswer]>([
    ['no MAC', (right) => ({ ...right, mac: '' })],
    ['the MAC of the request, reflected', (right, { mac }) => ({ ...right, mac })],
    ['another body', (right) => ({ ...right, body: formatOffer({ ...OFFER, epoch: 3 }) })],
    ['another status', (right) => ({ ...right, status: 201 })],
    [
      'a MAC under another psk',
      (right, { endpoint, mac }) => ({
        ...right,
        mac: authenticatorOf('bob', 'alice', 'another').signAnswer({
          method: 'POST',
          endpoint,
          body: right.body,
          status: 200,
          requestMac: mac,
        }),
      }),
    ],
  ])('%s', async (_name, tamper) => {
    const { port } = await startPeer((request, response) =>
      send(response, tamper(signAsBob(request, 200, offer), request)),
    );
    const result = await clientOf(port).requestNew(NEW, NEVER);
    expect(result).toEqual({
      type: 'silent',
      reason: expect.stringMatching(/^the peer answered 20[01], without proof of origin$/),
    });
  });

  test('the answer to an earlier request, replayed', async () => {
    let first: SignedAnswer | undefined;
    const { port } = await startPeer((request, response) => {
      first ??= signAsBob(request, 200, offer);
      send(response, first);
    });
    const client = clientOf(port);
    expect(await client.requestRotate(ROTATE, NEVER)).toMatchObject({ type: 'offer' });
    expect(await client.requestRotate({ ...ROTATE, epoch: 3 }, NEVER)).toMatchObject({
      type: 'silent',
    });
  });

  test('a refusal', async () => {
    const body = { status: 'error', code: 'out_of_sync', message: '' };
    const { port } = await startPeer((request, response) =>
      send(response, { ...signAsBob(request, 409, body), mac: '' }),
    );
    expect(await clientOf(port).requestNew(NEW, NEVER)).toEqual({
      type: 'silent',
      reason: 'the peer says out_of_sync, without proof of origin',
    });
  });
});

describe('an authentic answer that is not right is silence', () => {
  test.each<[string, number, object, string]>([
    [
      'of another exchange',
      200,
      { ...offer, exchange: CHAIN },
      'the answer is for another exchange',
    ],
    ['with a field too many', 200, { ...offer, more: 1 }, 'a field too many'],
    ['with a wrong field', 200, { ...offer, key_ID: 'MARKED' }, 'key_ID is missing or not'],
    ['not JSON', 200, Buffer.from('MARKED'), 'the body is not JSON'],
    ['an unknown code', 409, { status: 'error', code: 'MARKED', message: '' }, 'malformed'],
    ['an error without a body', 503, Buffer.alloc(0), 'malformed'],
  ])('%s', async (_name, status, body, reason) => {
    const { port } = await startPeer((request, response) =>
      send(response, signAsBob(request, status, body)),
    );
    const result = await clientOf(port).requestNew(NEW, NEVER);
    expect(result).toEqual({ type: 'silent', reason: expect.stringContaining(reason) });
    expect(JSON.stringify(result)).not.toContain('MARKED');
  });

  test('a confirmation of another exchange', async () => {
    const body = { status: 'ok', exchange: CHAIN, confirm: CONFIRM_R.toString('base64') };
    const { port } = await startPeer((request, response) =>
      send(response, signAsBob(request, 200, body)),
    );
    const reason = 'the answer is for another exchange';
    expect(await clientOf(port).ack(ACK, NEVER)).toEqual({ type: 'silent', reason });
  });
});
