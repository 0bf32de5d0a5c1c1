/**
 * What an attacker without the psk makes out of messages that it has seen: edits, mixtures and
 * forgeries. Pure; whether one of them is by chance the genuine message again is not asked here.
 */
import { Authenticator } from '../../src/peer/auth.ts';
import {
  ENDPOINTS,
  type Endpoint,
  formatAckRequest,
  formatConfirmation,
  formatError,
  formatNewRequest,
  formatOffer,
  formatRotateRequest,
} from '../../src/peer/messages.ts';
import { Secret } from '../../src/secret.ts';
import { METHOD } from './peer-api.ts';
import type { Random } from './random.ts';
import {
  type AnsweredRequest,
  type EndName,
  saeIdOf,
  type WireAnswer,
  type WireRequest,
} from './wire.ts';

const CONFIRM_BYTES = 32;

/** What the attacker takes the psk to be. */
const GUESSED_PSK = 'correct horse battery staple';

/** What signs as an end would if its psk were the guessed one. */
const GUESSES: Readonly<Record<EndName, Authenticator>> = {
  alice: guessedAuthenticator('alice', 'bob'),
  bob: guessedAuthenticator('bob', 'alice'),
};

const STATUSES = [200, 204, 400, 401, 404, 409, 500, 503] as const;

interface Signed {
  readonly mac: string | undefined;
  readonly body: Buffer;
}

type Edit = (random: Random, message: Signed, other: Signed) => Signed;

/** Edits of requests and answers alike, by name; `other` is any message seen before. */
const EDITS: Readonly<Record<string, Edit>> = {
  'bit of the body': (random, { mac, body }) => ({ mac, body: withFlippedBit(random, body) }),
  'bit of the MAC': (random, { mac, body }) => ({
    mac: withFlippedBit(random, Buffer.from(mac ?? '', 'base64')).toString('base64'),
    body,
  }),
  'no MAC': (_, { body }) => ({ mac: undefined, body }),
  'other spelling of the MAC': (_, { mac, body }) => ({
    mac: mac && otherSpelling(mac),
    body,
  }),
  'MAC of another': (_, { body }, { mac }) => ({ mac, body }),
  'body of another': (_, { mac }, { body }) => ({ mac, body }),
  'field of another': (random, { mac, body }, other) => ({
    mac,
    body: withFieldOf(random, body, other.body),
  }),
  'field too many': (_, { mac, body }) => ({ mac, body: withFields(body, { confirmed: true }) }),
  'other version': (_, { mac, body }) => ({ mac, body: withFields(body, { v: 1 }) }),
  'cut off': (random, { mac, body }) => ({
    mac,
    body: body.subarray(0, random.below(body.length)),
  }),
  'white space': (_, { mac, body }) => ({ mac, body: Buffer.concat([body, Buffer.from('\n')]) }),
  'too long': (_, { mac, body }) => ({ mac, body: Buffer.concat([body, Buffer.alloc(9_000)]) }),
};

const EDIT_NAMES = Object.keys(EDITS) as [string, ...string[]];

export interface Edited<Message> {
  readonly name: string;
  readonly message: Message;
}

/** A request with something about it changed. */
export function editRequest(
  random: Random,
  request: WireRequest,
  other: Signed,
): Edited<WireRequest> {
  const name = random.pick(['path', 'method', 'new MAC', ...EDIT_NAMES]);
  if (name === 'path') return { name, message: { ...request, path: random.pick(ENDPOINTS) } };
  if (name === 'method') return { name, message: { ...request, method: 'PUT' } };
  if (name === 'new MAC') {
    const body = withFieldOf(random, request.body, other.body);
    return { name, message: signedByGuess({ ...request, body }) };
  }
  const edit = EDITS[name] as Edit;
  return { name, message: { ...request, ...edit(random, request, other) } };
}

/** An answer with something about it changed. */
export function editAnswer(random: Random, answer: WireAnswer, other: Signed): Edited<WireAnswer> {
  const name = random.pick(['status', ...EDIT_NAMES]);
  if (name === 'status') return { name, message: { ...answer, status: random.pick(STATUSES) } };
  const edit = EDITS[name] as Edit;
  return { name, message: { ...answer, ...edit(random, answer, other) } };
}

/** A request from one end to the other, made up out of what was seen. */
export function forgeRequest(
  random: Random,
  direction: { readonly from: EndName; readonly to: EndName },
  seen: AnsweredRequest,
): WireRequest {
  const path = random.pick(ENDPOINTS);
  const body = forgedBody(random, path, direction, fieldsOf(seen.answer.body));
  const request = { ...direction, method: METHOD, path, body, mac: seen.request.mac };
  return random.chance(0.5) ? request : signedByGuess(request);
}

function forgedBody(
  random: Random,
  endpoint: Endpoint,
  { from, to }: { readonly from: EndName; readonly to: EndName },
  seen: Fields,
): Buffer {
  const text = (name: string): string => textOf(seen, name) ?? random.uuid();
  const route = { from: saeIdOf(from), to: saeIdOf(to) };
  const exchange = random.chance(0.5) ? random.uuid() : text('exchange');
  switch (endpoint) {
    case '/new':
      return formatNewRequest({ ...route, exchange });
    case '/rotate': {
      const epoch = Number(seen['epoch'] ?? 0) + random.below(3);
      return formatRotateRequest({ ...route, exchange, chain: text('chain'), epoch, reserved: [] });
    }
    case '/ack': {
      const confirm = random.bytes(CONFIRM_BYTES);
      return formatAckRequest({ ...route, exchange, keyId: text('key_ID'), confirm });
    }
  }
}

/** An answer to a request, made up out of what was seen. */
export function forgeAnswer(random: Random, request: WireRequest, mac: string): WireAnswer {
  const asked = fieldsOf(request.body);
  const exchange = textOf(asked, 'exchange') ?? random.uuid();
  const code = random.pick(['unknown_exchange', 'out_of_sync', 'stale_exchange', 'busy'] as const);
  if (random.chance(0.5)) return { status: 409, mac, body: formatError(code) };
  if (request.path === '/ack') {
    const confirm = random.bytes(CONFIRM_BYTES);
    return { status: 200, mac, body: formatConfirmation({ exchange, confirm }) };
  }
  const chain = textOf(asked, 'chain') ?? exchange;
  const epoch = Number(asked['epoch'] ?? 1);
  return {
    status: 200,
    mac,
    body: formatOffer({ exchange, chain, epoch, keyId: random.uuid() }),
  };
}

function signedByGuess(request: WireRequest): WireRequest {
  const { method, path, body, from } = request;
  const mac = GUESSES[from].signRequest({ method, endpoint: path as Endpoint, body });
  return { ...request, mac };
}

function guessedAuthenticator(local: EndName, remote: EndName): Authenticator {
  const psk = Secret.fromUtf8(GUESSED_PSK);
  return new Authenticator({ psk, localSaeId: saeIdOf(local), remoteSaeId: saeIdOf(remote) });
}

function withFlippedBit(random: Random, bytes: Buffer): Buffer {
  const flipped = Buffer.from(bytes);
  if (flipped.length === 0) return flipped;
  const at = random.below(flipped.length);
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << random.below(8)), at);
  return flipped;
}

/** The same bytes to a decoder that ignores the last two bits: its last character is another one. */
function otherSpelling(mac: string): string {
  const last = Buffer.from(mac.slice(-2, -1), 'latin1');
  last.writeUInt8(last.readUInt8(0) + 1, 0);
  return `${mac.slice(0, -2)}${last.toString('latin1')}=`;
}

type Fields = Readonly<Record<string, unknown>>;

/** None where the body is one that was cut off on the way. */
function fieldsOf(body: Buffer): Fields {
  try {
    return JSON.parse(body.toString('utf8')) as Fields;
  } catch {
    return {};
  }
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}

function withFields(body: Buffer, fields: Fields): Buffer {
  return Buffer.from(JSON.stringify({ ...fieldsOf(body), ...fields }));
}

/** One field is that of the other message: its id, its epoch, its confirmation. */
function withFieldOf(random: Random, body: Buffer, other: Buffer): Buffer {
  const [first, ...rest] = Object.entries(fieldsOf(other));
  if (first === undefined) return body;
  const [name, value] = random.pick([first, ...rest]);
  return withFields(body, { [name]: value });
}
