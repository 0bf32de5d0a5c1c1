import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { QupskdError } from '../../../src/errors.ts';
import {
  isKeyId,
  keyIdsBody,
  keyIdsQuery,
  keyRequestBody,
  keyRequestQuery,
  parseErrorMessage,
  parseJson,
  parseKeyContainer,
  parseStatus,
} from '../../../src/etsi014/format.ts';
import { plantedIn } from '../../support/planted.ts';
import { KEY, KEY_CONTAINER, KEY_ID, vectors } from './support.ts';

interface Vectors {
  status: { json: Record<string, unknown>; read: object };
  keyRequest: { bodyOfTheClient: object; queryOfTheClient: string };
  keyContainer: { json: object; keyId: string; keyHex: string };
  keyIds: { bodyOfTheClient: object; queryOfTheClient: string };
  error: { json: { message: string } };
}
const VECTORS = vectors('etsi014.json') as Vectors;

const errorOf = (parse: () => unknown): QupskdError => {
  try {
    parse();
  } catch (error) {
    if (error instanceof QupskdError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

const containerWith = (change: object): unknown => ({
  keys: [{ ...KEY_CONTAINER.keys[0], ...change }],
});

const errorBody = (message: unknown): Buffer => Buffer.from(JSON.stringify({ message }));

describe('clause 6.1: Status', () => {
  const { json, read } = VECTORS.status;

  test('every field of Table 9 is read', () => {
    expect(parseStatus(json)).toEqual(read);
  });

  test('a status_extension is ignored', () => {
    expect(parseStatus({ ...json, status_extension: { vendor: 1 } })).toEqual(read);
  });

  test('IDs may be integers, as KMEs have them that number their SAEs', () => {
    const numbered = { ...json, master_SAE_ID: 17, slave_SAE_ID: 4 };
    expect(parseStatus(numbered)).toEqual({ ...read, masterSaeId: '17', slaveSaeId: '4' });
    const error = errorOf(() => parseStatus({ ...json, slave_SAE_ID: 1.5 }));
    expect(error.message).toContain('slave_SAE_ID is neither a string nor an integer');
  });

  test.each(Object.keys(json))(
    'without %s it is malformed, and the error names the field',
    (name) => {
      const error = errorOf(() => parseStatus({ ...json, [name]: undefined }));
      expect(error.code).toBe('ERR_KME_MALFORMED');
      expect(error.message).toContain(name);
    },
  );

  test.each([-1, 1.5, '8', null, 1e300])('a count of %p is malformed', (count) => {
    expect(errorOf(() => parseStatus({ ...json, key_size: count })).message).toContain('key_size');
  });

  test.each([null, [], 'text', 7])('%p is not a Status', (body) => {
    expect(errorOf(() => parseStatus(body)).code).toBe('ERR_KME_MALFORMED');
  });
});

describe('clause 6.2: Key request', () => {
  test('as a body and as a query', () => {
    const request = { number: 1, size: 256 };
    expect(JSON.parse(keyRequestBody(request))).toEqual(VECTORS.keyRequest.bodyOfTheClient);
    expect(keyRequestQuery(request)).toBe(VECTORS.keyRequest.queryOfTheClient);
  });

  test('the KME has a default for what is left out', () => {
    expect(keyRequestBody({})).toBe('{}');
    expect(keyRequestBody({ size: 256 })).toBe('{"size":256}');
    expect(keyRequestQuery({})).toBe('');
    expect(keyRequestQuery({ number: 1 })).toBe('number=1');
    expect(keyRequestQuery({ size: 32 })).toBe('size=32');
  });
});

describe('clause 6.3: Key container', () => {
  test('the first key is read', () => {
    const { json, keyId, keyHex } = VECTORS.keyContainer;
    const delivered = parseKeyContainer(json, 256, null);
    expect(delivered.keyId).toBe(keyId);
    expect(delivered.key.reveal().toString('hex')).toBe(keyHex);
  });

  test('Table 11 spells it Keys', () => {
    expect(parseKeyContainer({ Keys: KEY_CONTAINER.keys }, 256, KEY_ID).keyId).toBe(KEY_ID);
  });

  test('extensions are ignored', () => {
    const keys = [{ ...KEY_CONTAINER.keys[0], key_extension: {}, key_ID_extension: {} }];
    const container = { keys, key_container_extension: { vendor: true } };
    expect(parseKeyContainer(container, 256, KEY_ID).key.equals(KEY)).toBe(true);
  });

  test('the key_ID keeps the case that the KME wrote, and is compared without', () => {
    const written = KEY_ID.toUpperCase();
    expect(parseKeyContainer(containerWith({ key_ID: written }), 256, KEY_ID).keyId).toBe(written);
    expect(parseKeyContainer(KEY_CONTAINER, 256, written).keyId).toBe(KEY_ID);
  });

  test.each<[string, unknown, string]>([
    ['no object', [], 'Key container'],
    ['no keys', {}, 'keys'],
    ['keys of another type', { keys: {} }, 'keys'],
    ['an empty list', { keys: [] }, 'keys'],
    ['an entry that is no object', { keys: ['x'] }, 'keys[0]'],
    ['no key_ID', containerWith({ key_ID: undefined }), 'keys[0].key_ID'],
    ['a key_ID that is no UUID', containerWith({ key_ID: `${KEY_ID}0` }), 'keys[0].key_ID'],
    ['a key_ID in braces', containerWith({ key_ID: `{${KEY_ID}}` }), 'keys[0].key_ID'],
    ['a key_ID with a newline', containerWith({ key_ID: `${KEY_ID}\n` }), 'keys[0].key_ID'],
    [
      'another key_ID than asked for',
      containerWith({ key_ID: KEY_ID.replace('9', '8') }),
      'keys[0].key_ID',
    ],
    ['no key', containerWith({ key: undefined }), 'keys[0].key'],
    ['a key of another type', containerWith({ key: [1, 2] }), 'keys[0].key'],
    ['an empty key', containerWith({ key: '' }), 'keys[0].key'],
    ['31 bytes', containerWith({ key: KEY.subarray(1).toString('base64') }), 'keys[0].key'],
    [
      '33 bytes',
      containerWith({ key: Buffer.concat([KEY, KEY.subarray(31)]).toString('base64') }),
      'keys[0].key',
    ],
    ['hex', containerWith({ key: KEY.toString('hex') }), 'keys[0].key'],
    ['base64url', containerWith({ key: KEY.toString('base64url') }), 'keys[0].key'],
    ['no padding', containerWith({ key: KEY.toString('base64').slice(0, 43) }), 'keys[0].key'],
    ['a line break', containerWith({ key: `${KEY.toString('base64')}\n` }), 'keys[0].key'],
    [
      'set bits in the padding',
      containerWith({ key: KEY.toString('base64').replace(/.=$/, 'F=') }),
      'keys[0].key',
    ],
  ])('%s is malformed', (_, body, field) => {
    const error = errorOf(() => parseKeyContainer(body, 256, KEY_ID));
    expect(error.code).toBe('ERR_KME_MALFORMED');
    expect(error.message).toContain(field);
    expect(plantedIn(error.message, KEY)).toEqual([]);
  });

  test('every key of 32 bytes comes through as it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uuid(), (bytes, keyId) => {
        const key = Buffer.from(bytes).toString('base64');
        const delivered = parseKeyContainer({ keys: [{ key_ID: keyId, key }] }, 256, keyId);
        expect(delivered.key.equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });

  test('any other JSON is malformed, and nothing worse', () => {
    const keys = fc.array(
      fc.record({ key_ID: fc.oneof(fc.uuid(), fc.json()), key: fc.base64String() }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ keys })), (body) => {
        expect(errorOf(() => parseKeyContainer(body, 4_096, null)).code).toBe('ERR_KME_MALFORMED');
      }),
    );
  });
});

describe('clause 6.4: Key IDs', () => {
  test('as a body and as a query', () => {
    expect(JSON.parse(keyIdsBody(KEY_ID))).toEqual(VECTORS.keyIds.bodyOfTheClient);
    expect(keyIdsQuery(KEY_ID)).toBe(VECTORS.keyIds.queryOfTheClient);
  });

  test('a key_ID that needs it is percent-encoded', () => {
    expect(keyIdsQuery('a&b=c#d')).toBe('key_ID=a%26b%3Dc%23d');
  });

  test.each<[unknown, boolean]>([
    [KEY_ID, true],
    [KEY_ID.toUpperCase(), true],
    ['00000000-0000-0000-0000-000000000000', true],
    [KEY_ID.replaceAll('-', ''), false],
    [` ${KEY_ID}`, false],
    ['9f2c7a52-6f0e-4a9c-8a56-3c1f5d9be70g', false],
    [undefined, false],
  ])('%p is a key_ID: %p', (text, expected) => {
    expect(isKeyId(text)).toBe(expected);
  });
});

describe('clause 6.5: Error', () => {
  test('the message is read', () => {
    const { json } = VECTORS.error;
    expect(parseErrorMessage(Buffer.from(JSON.stringify(json)))).toBe(json.message);
  });

  test.each(['', '<html>', '[]', 'null', '"text"', '{"message":7}', '{"error":"x"}', '\u00ff'])(
    'the body %p is not in the format: no message',
    (body) => {
      expect(parseErrorMessage(Buffer.from(body, 'latin1'))).toBeNull();
    },
  );

  test('it becomes one line of bounded length', () => {
    const message = parseErrorMessage(
      errorBody(`\u001b[31m two\r\nlines \u202e ${'long '.repeat(99)}`),
    );
    expect(message).toMatch(/^[\x20-\x7e]*…$/);
    expect(message?.length).toBeLessThanOrEqual(200);
  });

  test.each(['hex', 'base64', 'base64url'] as const)('a key in %s is removed', (encoding) => {
    const key = KEY.toString(encoding);
    for (const text of [key, `cannot use ${key}!`, `${'x'.repeat(180)} ${key}`, `key=${key}`]) {
      const message = parseErrorMessage(errorBody(text));
      expect(message).not.toContain(key.slice(0, 16));
      expect(message).not.toContain(key.slice(-16));
    }
  });

  test('key_IDs stay', () => {
    expect(parseErrorMessage(errorBody(`no key_ID=${KEY_ID}, no ${KEY_ID}`))).toBe(
      `no key_ID=${KEY_ID}, no ${KEY_ID}`,
    );
  });
});

describe('JSON', () => {
  test('the error for what is not JSON does not quote it', () => {
    const error = errorOf(() => parseJson(Buffer.from(`{"key":"${KEY.toString('base64')}"`)));
    expect(error.code).toBe('ERR_KME_MALFORMED');
    expect(error.message).toBe('the answer is not JSON');
    expect(error.cause).toBeUndefined();
  });

  test('it must be UTF-8', () => {
    expect(errorOf(() => parseJson(Buffer.from('"\u00ff"', 'latin1'))).code).toBe(
      'ERR_KME_MALFORMED',
    );
  });
});
