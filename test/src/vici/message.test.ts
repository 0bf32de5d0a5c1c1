import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  DEPTH_MAX,
  decodeMessage,
  encodeMessage,
  section,
  sectionOf,
  sectionsOf,
  textOf,
  textsOf,
  type ViciFields,
  ViciSyntaxError,
} from '../../../src/vici/message.ts';

/** The example of the protocol's own description, byte for byte. */
const EXAMPLE_FIELDS: ViciFields = {
  key1: 'value1',
  section1: { 'sub-section': { key2: 'value2' }, list1: ['item1', 'item2'] },
};
const text = (value: string): number[] => [...Buffer.from(value)];
const EXAMPLE = Buffer.from(
  [
    [3, 4, text('key1'), 0, 6, text('value1')],
    [1, 8, text('section1')],
    [1, 11, text('sub-section'), 3, 4, text('key2'), 0, 6, text('value2'), 2],
    [4, 5, text('list1'), 5, 0, 5, text('item1'), 5, 0, 5, text('item2'), 6],
    [2],
  ].flat(2),
);

describe('the example of the protocol', () => {
  test('is encoded and decoded byte for byte', () => {
    expect(encodeMessage(section(EXAMPLE_FIELDS))).toEqual(EXAMPLE);
    expect(decodeMessage(EXAMPLE)).toEqual(section(EXAMPLE_FIELDS));
  });

  test('is read by kind: what is of another kind is not there', () => {
    const message = decodeMessage(EXAMPLE);
    const inner = sectionOf(message, 'section1') ?? new Map();
    expect(textOf(message, 'key1')).toBe('value1');
    expect(textsOf(inner, 'list1')).toEqual(['item1', 'item2']);
    expect(sectionsOf(inner)).toEqual([section({ key2: 'value2' })]);
    expect([textOf(message, 'section1'), textOf(message, 'none')]).toEqual([undefined, undefined]);
    expect([textsOf(message, 'key1'), textsOf(message, 'none')]).toEqual([[], []]);
    expect([sectionOf(message, 'key1'), sectionOf(message, 'none')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('cut anywhere within an element, it is refused; the values are copies', () => {
    const whole = new Set([0, 14]);
    for (let length = 0; length < EXAMPLE.length; length += 1) {
      const cut = (): unknown => decodeMessage(EXAMPLE.subarray(0, length));
      if (whole.has(length)) expect(cut).not.toThrow();
      else expect(cut).toThrow(ViciSyntaxError);
    }
    const bytes = Buffer.from(EXAMPLE);
    const message = decodeMessage(bytes);
    bytes.fill(0);
    expect(textOf(message, 'key1')).toBe('value1');
  });
});

describe('what is no message', () => {
  test.each<[string, number[]]>([
    ['an element of no type', [7]],
    ['the end of a section that did not begin', [2]],
    ['a list item without a list', [5, 0, 1, 65]],
    ['the end of a list that did not begin', [6]],
    ['a value within a list', [4, 1, 65, 3, 1, 66, 0, 0, 6]],
    ['a list within a list', [4, 1, 65, 4, 1, 66, 6, 6]],
    ['a list without an end', [4, 1, 65]],
    ['a section without an end', [1, 1, 65]],
    ['a name that occurs twice', [3, 1, 65, 0, 0, 3, 1, 65, 0, 0]],
    ['a name that is not ASCII', [3, 1, 0x80, 0, 0]],
    ['a value shorter than it says', [3, 1, 65, 0, 2, 65]],
  ])('%s', (_, bytes) => {
    expect(() => decodeMessage(Buffer.from(bytes))).toThrow(ViciSyntaxError);
  });

  test('sections that are nested too deep', () => {
    const nested = (depth: number): Buffer =>
      Buffer.from([...Array(depth).fill([1, 1, 65]).flat(), ...Array(depth).fill(2)]);
    expect(() => decodeMessage(nested(DEPTH_MAX))).not.toThrow();
    expect(() => decodeMessage(nested(DEPTH_MAX + 1))).toThrow(ViciSyntaxError);
    expect(() => decodeMessage(nested(200_000))).toThrow(ViciSyntaxError);
  });

  test('a name and a value that the format cannot say', () => {
    expect(() => encodeMessage(section({ ['n'.repeat(256)]: '' }))).toThrow(ViciSyntaxError);
    expect(() => encodeMessage(section({ ä: '' }))).toThrow(ViciSyntaxError);
    expect(() => encodeMessage(section({ n: Buffer.alloc(65_536) }))).toThrow(ViciSyntaxError);
    expect(() => encodeMessage(section({ n: Buffer.alloc(65_535) }))).not.toThrow();
  });
});

describe('any message', () => {
  const name = fc.string({ minLength: 1, maxLength: 20 }).filter((n) => /^[\x20-\x7e]+$/.test(n));
  const value = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  const { fields } = fc.letrec<{ fields: ViciFields }>((tie) => ({
    fields: fc.dictionary(
      name,
      fc.oneof(
        { depthSize: 'small' },
        value,
        fc.array(value, { maxLength: 4 }),
        tie('fields') as fc.Arbitrary<ViciFields>,
      ),
      { maxKeys: 6, noNullPrototype: true },
    ),
  }));

  test('comes back as it was', () => {
    fc.assert(
      fc.property(fields, (given) => {
        const message = section(given);
        expect(decodeMessage(encodeMessage(message))).toEqual(message);
      }),
    );
  });

  test('any bytes are a message or a ViciSyntaxError, and nothing else', () => {
    const element = fc.oneof(
      fc.constantFrom(1, 2, 3, 4, 5, 6).map((type) => Buffer.from([type])),
      value,
      name.map((n) => Buffer.from([n.length, ...Buffer.from(n)])),
      value.map((bytes) => Buffer.from([0, bytes.length, ...bytes])),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 30 }), (elements) => {
        const bytes = Buffer.concat(elements);
        try {
          expect(encodeMessage(decodeMessage(bytes))).toEqual(bytes);
        } catch (error) {
          if (!(error instanceof ViciSyntaxError)) throw error;
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
