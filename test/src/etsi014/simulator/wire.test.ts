import { describe, expect, test } from '@jest/globals';
import type { Status } from '../../../../src/etsi014/format.ts';
import { STORE_DEFAULTS } from '../../../../src/etsi014/simulator/server.ts';
import { KeyStore } from '../../../../src/etsi014/simulator/store.ts';
import {
  keyIdsOfQuery,
  keyRequestOfQuery,
  parseKeyIds,
  parseKeyRequest,
  printError,
  printKeyContainer,
  printStatus,
  Refusal,
} from '../../../../src/etsi014/simulator/wire.ts';
import { KEY_ID, vectors } from '../support.ts';

interface Vectors {
  status: { json: object; read: Status };
  keyRequest: { json: Record<string, unknown>; read: object };
  keyContainer: { json: { keys: { key_ID: string; key: string }[] } };
  keyIds: { json: object; read: string[] };
  error: { json: { message: string; details: Record<string, string>[] } };
}
const VECTORS = vectors('etsi014.json') as Vectors;
const { capabilities } = new KeyStore(STORE_DEFAULTS);

const refusalOf = (parse: () => unknown): Refusal => {
  try {
    parse();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};
const read = (input: unknown) => parseKeyRequest(input, capabilities);
const readIds = (input: unknown) => parseKeyIds(input, capabilities);

test('clause 6.1: a Status is printed', () => {
  expect(printStatus(VECTORS.status.read)).toEqual(VECTORS.status.json);
});

describe('clause 6.2: Key request', () => {
  test('every field of Table 10 is read', () => {
    expect(read(VECTORS.keyRequest.json)).toEqual(VECTORS.keyRequest.read);
  });

  test('number and size have defaults', () => {
    const defaults = { number: 1, sizeBits: 256, additionalSlaveSaeIds: [] };
    expect(read({})).toEqual(defaults);
    expect(read(keyRequestOfQuery({}))).toEqual(defaults);
  });

  test('the GET form has number and size', () => {
    const request = { number: 2, sizeBits: 128, additionalSlaveSaeIds: [] };
    expect(read(keyRequestOfQuery({ number: '2', size: '128' }))).toEqual(request);
  });

  test.each([100, 255, 257])('a size of %d shall be a multiple of 8', (size) => {
    const refusal = refusalOf(() => read({ size }));
    expect(refusal.status).toBe(400);
    expect(refusal.message).toBe('size shall be a multiple of 8');
  });

  test('extension_mandatory is refused by the names of the extensions', () => {
    const extension_mandatory = [{ vendor_route: 'north' }, { vendor_hops: 3 }];
    const refusal = refusalOf(() => read({ ...VECTORS.keyRequest.json, extension_mandatory }));
    expect(refusal.status).toBe(400);
    expect(printError(refusal)).toEqual(VECTORS.error.json);
  });

  test('an empty extension_mandatory asks for nothing', () => {
    expect(read({ extension_mandatory: [] }).number).toBe(1);
  });

  test.each<[string, unknown]>([
    ['number', { number: 0 }],
    ['number', { number: 129 }],
    ['number', { number: '1' }],
    ['number', { number: 1.5 }],
    ['number', keyRequestOfQuery({ number: '1e1' })],
    ['number', keyRequestOfQuery({ number: '' })],
    ['number', keyRequestOfQuery({ number: ['1', '2'] })],
    ['size', { size: 56 }],
    ['size', { size: 1032 }],
    ['size', { size: -256 }],
    ['size', keyRequestOfQuery({ size: '-256' })],
    ['additional_slave_SAE_IDs', { additional_slave_SAE_IDs: 'sae_carol' }],
    ['additional_slave_SAE_IDs.0', { additional_slave_SAE_IDs: [''] }],
    ['additional_slave_SAE_IDs', { additional_slave_SAE_IDs: Array(9).fill('sae_carol') }],
    ['extension_mandatory', { extension_mandatory: {} }],
    ['extension_optional', { extension_optional: 'x' }],
    ['request', []],
    ['request', 'text'],
  ])('%s: bad format in %j', (field, input) => {
    const refusal = refusalOf(() => read(input));
    expect(refusal).toMatchObject({ status: 400, message: 'Bad request format' });
    expect(refusal.details.map((detail) => Object.keys(detail))).toEqual([[field]]);
  });
});

test('clause 6.3: a Key container is printed', () => {
  const { json } = VECTORS.keyContainer;
  const keys = json.keys.map((entry) => ({
    keyId: entry.key_ID,
    key: Buffer.from(entry.key, 'base64'),
  }));
  expect(printKeyContainer(keys)).toEqual(json);
});

describe('clause 6.4: Key IDs', () => {
  test('they are read', () => {
    expect(readIds(VECTORS.keyIds.json)).toEqual(VECTORS.keyIds.read);
    expect(readIds(keyIdsOfQuery({ key_ID: KEY_ID }))).toEqual([KEY_ID]);
  });

  const list = (...keyIds: unknown[]) => ({ key_IDs: keyIds.map((key_ID) => ({ key_ID })) });
  const many = Array.from(
    { length: 129 },
    (_, index) => `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`,
  );

  test.each<[string, unknown]>([
    ['none', {}],
    ['an empty list', list()],
    ['no UUID', list('key1')],
    ['a number', list(7)],
    ['one twice, in two cases', list(KEY_ID, KEY_ID.toUpperCase())],
    ['more than 128', list(...many)],
    ['bare texts', { key_IDs: [KEY_ID] }],
    ['a query without key_ID', keyIdsOfQuery({})],
    ['a query with two', keyIdsOfQuery({ key_ID: [KEY_ID, KEY_ID] })],
  ])('%s: bad format', (_, input) => {
    const refusal = refusalOf(() => readIds(input));
    expect(refusal).toMatchObject({ status: 400, message: 'Bad request format' });
  });

  test('128 are read', () => {
    expect(readIds(list(...many.slice(1)))).toHaveLength(128);
  });
});

test('clause 6.5: an Error has details where there are any', () => {
  expect(printError(new Refusal(401, 'Unauthorized'))).toEqual({ message: 'Unauthorized' });
});

test('a request with a thousand problems gets an answer of bounded length', () => {
  const key_IDs = Array(1_000).fill(7);
  expect(refusalOf(() => readIds({ key_IDs })).details.length).toBeLessThanOrEqual(8);
});
