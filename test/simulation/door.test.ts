/**
 * The simulation reads messages as the daemon does: the same edited bytes through the real server and
 * the real client, over a connection, and through peer-api.ts.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { Authenticator, MAC_HEADER } from '../../src/peer/auth.ts';
import { Protocol2Client } from '../../src/peer/client-protocol-2.ts';
import type { PeerReply } from '../../src/peer/link-port.ts';
import {
  ENDPOINTS,
  type Endpoint,
  formatAckRequest,
  formatNewRequest,
  formatRotateRequest,
} from '../../src/peer/messages.ts';
import { Secret } from '../../src/secret.ts';
import {
  CHAIN,
  CONFIRM_I,
  CONFIRMED,
  call,
  EXCHANGE,
  KEY_ID,
  link2,
  OFFER,
  startServer,
} from '../src/peer/support.ts';
import { atEnd, endAll } from '../support/ending.ts';
import { NEVER } from '../support/never.ts';
import { editAnswer, editRequest } from './edits.ts';
import { admit, answerOf, METHOD, type Reading, readConfirmation, readOffer } from './peer-api.ts';
import { Random } from './random.ts';
import { type EndName, saeIdOf, type WireAnswer, type WireRequest } from './wire.ts';

const MESSAGES = 200;
const SEED = 1;
const TIMEOUT_MS = 60_000;

const [ALICE, BOB] = [saeIdOf('alice'), saeIdOf('bob')];
const FROM_ALICE = { from: ALICE, to: BOB };
const BODIES: Readonly<Record<Endpoint, Buffer>> = {
  '/new': formatNewRequest({ ...FROM_ALICE, exchange: EXCHANGE }),
  '/rotate': formatRotateRequest({
    ...FROM_ALICE,
    exchange: EXCHANGE,
    chain: CHAIN,
    epoch: 2,
    reserved: [],
  }),
  '/ack': formatAckRequest({
    ...FROM_ALICE,
    exchange: EXCHANGE,
    keyId: KEY_ID,
    confirm: CONFIRM_I,
  }),
};
const REPLIES: readonly [PeerReply, ...PeerReply[]] = [
  OFFER,
  CONFIRMED,
  { type: 'refused', code: 'unknown_exchange' },
];

afterEach(endAll);

const authenticatorOf = (local: EndName, remote: EndName): Authenticator =>
  new Authenticator({
    psk: Secret.fromUtf8('the psk of the two ends'),
    localSaeId: saeIdOf(local),
    remoteSaeId: saeIdOf(remote),
  });

function requestTo(endpoint: Endpoint): WireRequest {
  const body = BODIES[endpoint];
  const signed = { method: METHOD, endpoint, body };
  const mac = authenticatorOf('alice', 'bob').signRequest(signed);
  return { from: 'alice', to: 'bob', method: METHOD, path: endpoint, mac, body };
}

test(
  'a request at the server',
  async () => {
    const random = new Random(SEED);
    const authenticator = authenticatorOf('bob', 'alice');
    const link = link2({ authenticator, localSaeId: BOB, remoteSaeId: ALICE });
    const { port } = await startServer([link], { limits: { rateRequestsMax: 2 * MESSAGES } });
    const admitted = { yes: 0, no: 0 };
    for (let message = 0; message < MESSAGES; message += 1) {
      const original = requestTo(random.pick(ENDPOINTS));
      const other = requestTo(random.pick(ENDPOINTS));
      const { name, message: request } = random.chance(0.1)
        ? { name: 'none', message: original }
        : editRequest(random, original, other);
      const { method, path, body, mac } = request;
      const headers: Record<string, string> = mac === undefined ? {} : { [MAC_HEADER]: mac };
      const got = await call(port, { method, path, body, headers });

      const admission = admit(authenticator, { from: BOB, to: ALICE }, request);
      admitted[admission.type === 'call' ? 'yes' : 'no'] += 1;
      const reply = path === '/ack' ? CONFIRMED : OFFER;
      const expected =
        admission.type === 'call' ? answerOf(authenticator, request, reply) : admission.answer;
      expect({ name, ...got, headers: got.headers[MAC_HEADER.toLowerCase()] }).toEqual({
        name,
        status: expected.status,
        body: expected.body.toString(),
        headers: expected.mac,
      });
      expect(link.port.calls).toHaveLength(admitted.yes);
    }
    expect(Math.min(admitted.yes, admitted.no)).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  'an answer at the client',
  async () => {
    const random = new Random(SEED);
    const server = authenticatorOf('bob', 'alice');
    let given: WireAnswer = { status: 500, mac: undefined, body: Buffer.alloc(0) };
    const url = await answering(() => given);
    const authenticator = authenticatorOf('alice', 'bob');
    const client = new Protocol2Client({
      url,
      tls: null,
      authenticator,
      localSaeId: ALICE,
      remoteSaeId: BOB,
    });
    atEnd(() => client.close());
    const seen = new Set<string>();
    for (let message = 0; message < MESSAGES; message += 1) {
      const endpoint = random.pick(['/new', '/ack'] as const);
      const request = requestTo(endpoint);
      const genuine = answerOf(server, request, random.pick(REPLIES));
      const other = answerOf(server, requestTo(random.pick(ENDPOINTS)), random.pick(REPLIES));
      given = random.chance(0.3) ? genuine : editAnswer(random, genuine, other).message;

      const received = { request, answer: given, exchange: EXCHANGE };
      const exchange = EXCHANGE;
      if (endpoint === '/new') {
        const result = await client.requestNew({ exchange }, NEVER);
        expect(verdictOf(result)).toBe(verdictOf(readOffer(authenticator, received)));
        seen.add(verdictOf(result));
      } else {
        const result = await client.ack({ exchange, keyId: KEY_ID, confirm: CONFIRM_I }, NEVER);
        expect(verdictOf(result)).toBe(verdictOf(readConfirmation(authenticator, received)));
        seen.add(verdictOf(result));
      }
    }
    expect([...seen].sort()).toEqual(['read', 'refused unknown_exchange', 'silent']);
  },
  TIMEOUT_MS,
);

type Result =
  | { readonly type: 'offer' | 'confirmed' }
  | Exclude<Reading<unknown>, { value: unknown }>;

function verdictOf(result: Result | Reading<unknown>): string {
  if (result.type === 'refused') return `refused ${result.code}`;
  return result.type === 'silent' ? 'silent' : 'read';
}

/** A server that gives whatever it is told to; its URL. */
async function answering(answer: () => WireAnswer): Promise<string> {
  const server = http.createServer((request, response) => {
    const { status, mac, body } = answer();
    request.resume();
    response.statusCode = status;
    if (mac !== undefined) response.setHeader(MAC_HEADER, mac);
    response.end(body);
  });
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
