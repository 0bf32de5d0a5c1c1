import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { QupskdError } from '../../../src/errors.ts';
import {
  formatEffectAnswer,
  formatEffectRequest,
  parseEffectAnswer,
  parseEffectRequest,
} from '../../../src/peer/effect-message.ts';
import {
  decodeBody,
  ERROR_STATUS,
  type ErrorAnswerCode,
  formatAckRequest,
  formatConfirmation,
  formatError,
  formatNewRequest,
  formatOffer,
  formatOffer1,
  formatOk1,
  formatReserveRequest,
  formatRotateRequest,
  isOfOtherVersion,
  parseAckRequest,
  parseConfirmation,
  parseNewRequest,
  parseOffer,
  parseOffer1,
  parseOk1,
  parseReserveRequest,
  parseRotateRequest,
  parseRoute,
  REFUSAL_STATUS,
  refusalIn,
  SAE_ID_BYTES_MAX,
} from '../../../src/peer/messages.ts';

const UUID_A = '3582a474-3a10-4e15-a7a4-2ba5dd8d4c28';
const UUID_B = '0533c4c6-73d1-4483-adfa-58694764aa39';
const CONFIRM = Buffer.alloc(32, 0xa5);
const ROUTE = { from: 'sae_alice', to: 'säe b' };

const NEW = { v: 2, ...ROUTE, exchange: UUID_A };
const ROTATE = { ...NEW, chain: UUID_B, epoch: 7 };
const ACK = { ...NEW, key_ID: UUID_B, confirm: CONFIRM.toString('base64') };
const OFFER = { status: 'ok', exchange: UUID_A, chain: UUID_A, epoch: 1, key_ID: UUID_B };
const EFFECT = { v: 2, ...ROUTE, chain: UUID_B, epoch: 7, in_effect: false };
const EFFECT_ANSWER = { status: 'ok', chain: UUID_B, epoch: 7, installed: true, in_effect: false };
const CONFIRMATION = { status: 'ok', exchange: UUID_A, confirm: CONFIRM.toString('base64') };

const PARSERS = {
  new: { parse: parseNewRequest, right: NEW },
  rotate: { parse: parseRotateRequest, right: ROTATE },
  ack: { parse: parseAckRequest, right: ACK },
  offer: { parse: parseOffer, right: OFFER },
  confirmation: { parse: parseConfirmation, right: CONFIRMATION },
  effect: { parse: parseEffectRequest, right: EFFECT },
  effectAnswer: { parse: parseEffectAnswer, right: EFFECT_ANSWER },
} as const;

const NO_UUIDS = [`{${UUID_A}}`, UUID_A.replaceAll('-', ''), `${UUID_A}\n`, '', null, 7];
const BAD_UUIDS = [UUID_A.toUpperCase(), ...NO_UUIDS];

/** What no field may be, by field. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  v: [undefined, '2', null, 2.5],
  from: [undefined, '', 'x'.repeat(SAE_ID_BYTES_MAX + 1), 'ä'.repeat(129), null, 1, ['a']],
  to: [undefined, '', 'x'.repeat(SAE_ID_BYTES_MAX + 1), {}],
  exchange: [undefined, ...BAD_UUIDS],
  chain: [undefined, ...BAD_UUIDS],
  key_ID: [undefined, ...NO_UUIDS],
  epoch: [undefined, 0, -1, 1.5, '1', null, Number.MAX_SAFE_INTEGER + 1],
  installed: [undefined, null, 1, 'true'],
  in_effect: [undefined, null, 0, 'false'],
  status: [undefined, 'OK', 'error', true],
  confirm: [
    undefined,
    '',
    null,
    Buffer.alloc(31).toString('base64'),
    Buffer.alloc(33).toString('base64'),
    // The same 32 bytes in spellings that are not canonical.
    `${CONFIRM.toString('base64').slice(0, 42)}W=`,
    CONFIRM.toString('base64').slice(0, 43),
    `${CONFIRM.toString('base64')}\n`,
    ` ${CONFIRM.toString('base64')}`,
    CONFIRM.toString('base64url'),
  ],
};

function errorOf(parse: () => unknown): QupskdError {
  try {
    parse();
  } catch (error) {
    if (error instanceof QupskdError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const WRONG_CASES = Object.entries(PARSERS).flatMap(([name, { parse, right }]) =>
  Object.keys(right).flatMap((field) =>
    (WRONG[field] ?? []).map((value) => ({ name, field, value, parse, right })),
  ),
);

describe('parsers of protocol 2', () => {
  test('a key_ID keeps the spelling of the KME that wrote it', () => {
    const written = UUID_B.toUpperCase();
    expect(parseOffer({ ...OFFER, key_ID: written }).keyId).toBe(written);
    expect(parseAckRequest({ ...ACK, key_ID: written }).keyId).toBe(written);
  });

  test.each(WRONG_CASES)('$name: $field cannot be $value', ({ field, value, parse, right }) => {
    const error = errorOf(() => parse({ ...right, [field]: value }));
    expect(error.code).toBe('ERR_PEER_MALFORMED');
    expect(error.message).toContain(`${field} is missing or not what it should be`);
  });

  test.each(Object.entries(PARSERS))('%s: no unknown field passes', (_name, { parse, right }) => {
    expect(errorOf(() => parse({ ...right, extra: 1 })).message).toContain('a field too many');
    const polluted: unknown = JSON.parse(`{"__proto__":1,${JSON.stringify(right).slice(1)}`);
    expect(errorOf(() => parse(polluted)).code).toBe('ERR_PEER_MALFORMED');
  });

  test.each(Object.entries(PARSERS))('%s: only an object passes', (_name, { parse, right }) => {
    for (const other of [null, undefined, 2, 'text', [right], true]) {
      expect(errorOf(() => parse(other)).message).toContain('not a JSON object');
    }
  });

  test('a SAE ID may be as long as its limit in bytes', () => {
    const from = 'ä'.repeat(SAE_ID_BYTES_MAX / 2);
    expect(parseNewRequest({ ...NEW, from }).from).toBe(from);
  });

  test('what is printed parses to the same', () => {
    const exchange = UUID_A;
    const epoch = Number.MAX_SAFE_INTEGER;
    const reserve = { ...ROUTE, exchange, chain: UUID_B, epoch };
    const rotate = { ...reserve, reserved: [] };
    const rotateOn = { ...reserve, reserved: [UUID_A, UUID_B] };
    const ack = { ...ROUTE, exchange, keyId: UUID_B, confirm: CONFIRM };
    const offer = { exchange, chain: UUID_B, epoch: 3, keyId: UUID_B };
    expect(parseNewRequest(decodeBody(formatNewRequest({ ...ROUTE, exchange })))).toEqual({
      ...ROUTE,
      exchange,
    });
    expect(parseRotateRequest(decodeBody(formatRotateRequest(rotate)))).toEqual(rotate);
    expect(formatRotateRequest(rotate).toString()).not.toContain('reserved');
    expect(parseRotateRequest(decodeBody(formatRotateRequest(rotateOn)))).toEqual(rotateOn);
    expect(parseReserveRequest(decodeBody(formatReserveRequest(reserve)))).toEqual(reserve);
    expect(parseAckRequest(decodeBody(formatAckRequest(ack)))).toEqual(ack);
    expect(parseOffer(decodeBody(formatOffer(offer)))).toEqual(offer);
    const confirmation = { exchange, confirm: CONFIRM };
    expect(parseConfirmation(decodeBody(formatConfirmation(confirmation)))).toEqual(confirmation);
    const news = { chain: UUID_B, epoch: 7, inEffect: true };
    expect(parseEffectRequest(decodeBody(formatEffectRequest({ ...ROUTE, ...news })))).toEqual(
      news,
    );
    const answer = { ...news, installed: true };
    expect(parseEffectAnswer(decodeBody(formatEffectAnswer(answer)))).toEqual(answer);
  });

  test('the wire is as docs/protocol.md says', () => {
    const ack = { ...ROUTE, exchange: UUID_A, keyId: UUID_B, confirm: CONFIRM };
    expect(JSON.parse(formatNewRequest({ ...ROUTE, exchange: UUID_A }).toString())).toEqual(NEW);
    expect(JSON.parse(formatAckRequest(ack).toString())).toEqual(ACK);
    const offer = { exchange: UUID_A, chain: UUID_A, epoch: 1, keyId: UUID_B };
    expect(JSON.parse(formatOffer(offer).toString())).toEqual(OFFER);
    const news = { chain: UUID_B, epoch: 7, inEffect: false };
    expect(JSON.parse(formatEffectRequest({ ...ROUTE, ...news }).toString())).toEqual(EFFECT);
    const answer = { ...news, installed: true };
    expect(JSON.parse(formatEffectAnswer(answer).toString())).toEqual(EFFECT_ANSWER);
  });

  test('the route is read from any message that has one, whatever else it holds', () => {
    expect(parseRoute({ ...ROUTE, v: 3, more: [] })).toEqual(ROUTE);
    expect(errorOf(() => parseRoute({ from: 'a' })).message).toContain('to is missing');
  });

  test('only a number that is not 2 is another version', () => {
    expect([1, 3, -1, 2.5].map((v) => isOfOtherVersion({ v }))).toEqual([true, true, true, true]);
    for (const same of [{ v: 2 }, { v: '3' }, {}, null, 'v', undefined]) {
      expect(isOfOtherVersion(same)).toBe(false);
    }
  });
});

describe('errors', () => {
  test.each(Object.keys(ERROR_STATUS) as ErrorAnswerCode[])('%s has a sentence', (code) => {
    const body = JSON.parse(formatError(code).toString()) as Record<string, unknown>;
    expect(body).toEqual({ status: 'error', code, message: expect.stringMatching(/^[A-Z].+\.$/) });
    expect(refusalIn(formatError(code))).toBe(code in REFUSAL_STATUS ? code : null);
  });

  test('what is not a refusal is none', () => {
    const right = { status: 'error', code: 'busy', message: '' };
    expect(refusalIn(Buffer.from(JSON.stringify(right)))).toBe('busy');
    for (const wrong of [
      { ...right, status: 'ok' },
      { ...right, code: 'toString' },
      { ...right, message: 'x'.repeat(1025) },
      { ...right, more: 1 },
      [],
    ]) {
      expect(refusalIn(Buffer.from(JSON.stringify(wrong)))).toBeNull();
    }
    expect(refusalIn(Buffer.from('<html>'))).toBeNull();
  });
});

describe('protocol 1', () => {
  test('answers have the bytes of the original, blanks included', () => {
    expect(formatOffer1(UUID_A).toString()).toBe(`{"status": "ok", "key_ID": "${UUID_A}"}`);
    expect(formatOk1().toString()).toBe('{"status": "ok"}');
  });

  test('reads key_ID and ignores what it does not know', () => {
    expect(parseOffer1(OFFER)).toBe(UUID_B);
    expect(parseOffer1({ status: 'ok', key_ID: 'not-a-uuid', more: 1 })).toBe('not-a-uuid');
    expect(() => parseOk1({ status: 'ok', more: 1 })).not.toThrow();
  });

  test.each([
    [{ status: 'ok' }, 'key_ID'],
    [{ status: 'ok', key_ID: '' }, 'key_ID'],
    [{ status: 'ok', key_ID: null }, 'key_ID'],
    [{ status: 'ok', key_ID: 'a b' }, 'key_ID'],
    [{ status: 'ok', key_ID: 'a\n' }, 'key_ID'],
    [{ status: 'ok', key_ID: 'x'.repeat(129) }, 'key_ID'],
    [{ status: 'error', key_ID: UUID_A }, 'status'],
    [{ key_ID: UUID_A }, 'status'],
  ])('refuses %j', (message, field) => {
    expect(errorOf(() => parseOffer1(message)).message).toContain(field);
  });
});

describe('decodeBody', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half', Buffer.from('{"v":2')],
    ['no UTF-8', Buffer.from([0x22, 0xc3, 0x22])],
    ['two values', Buffer.from('{}{}')],
    ['deep nesting', Buffer.from('['.repeat(8000))],
  ])('refuses %s without citing it', (_name, body) => {
    expect(errorOf(() => decodeBody(body)).message).toBe(
      "The peer's message is malformed: the body is not JSON in UTF-8.",
    );
  });
});

describe('with arbitrary input', () => {
  const marked = 'MARKED-VALUE';

  test('a parser accepts or raises ERR_PEER_MALFORMED, and never cites a value', () => {
    const values = fc.oneof(fc.jsonValue(), fc.constant(marked), fc.constant(UUID_A), fc.integer());
    for (const { parse, right } of Object.values(PARSERS)) {
      const changes = fc.dictionary(fc.constantFrom(...Object.keys(right), 'extra'), values);
      fc.assert(
        fc.property(fc.oneof(fc.jsonValue(), changes), (input) => {
          const isObject = typeof input === 'object' && input !== null;
          const message: unknown = isObject ? Object.assign({}, right, input) : input;
          try {
            parse(message);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_PEER_MALFORMED' });
            expect((error as Error).message).not.toContain(marked);
          }
        }),
      );
    }
  });

  test('arbitrary bytes never get further than ERR_PEER_MALFORMED or a parsed route', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseRoute(decodeBody(bytes));
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_PEER_MALFORMED' });
        }
      }),
    );
  });
});
