/** What of an inspection event may be shown. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sanitizeEvent, shown } from '../../../src/inspect/sanitize.ts';
import { Secret } from '../../../src/secret.ts';

const KEY = Buffer.from('a key of exactly thirty-two bytes');

const HEAD = { sessionId: 'x:0', rootId: 'x:0', createdAt: '0', id: '', _version: '0' };

describe('shown', () => {
  test('plain data stays as it is', () => {
    const context = { link: 'bob', chain: { id: 'c', epoch: 3 }, finished: ['a', 'b'], key: null };
    expect(shown(context)).toEqual(context);
  });

  test.each<[string, unknown, unknown]>([
    ['bytes', KEY, '[object]'],
    ['what JSON makes of bytes', KEY.toJSON(), '[object]'],
    ['a Secret', new Secret(Buffer.from(KEY)), '[object]'],
    ['an error, whose message may quote data', new TypeError(KEY.toString()), '[TypeError]'],
    ['a function', () => KEY, '[function]'],
    ['a map', new Map([['key', KEY]]), '[object]'],
  ])('%s is not shown', (_what, value, expected) => {
    expect(shown({ value })).toEqual({ value: expected });
  });

  test('a text that could be a key is masked, as a value and as a name', () => {
    const text = KEY.subarray(0, 32).toString('base64');
    const all = JSON.stringify(shown({ text, [text]: 1, list: [`key=${text}`] }));
    expect(all).not.toContain(text.slice(0, 8));
  });

  test('a getter that throws hides the whole', () => {
    const value = {
      get key(): string {
        throw new Error('no');
      },
    };
    expect(shown({ value })).toBe('[not shown]');
  });

  test('however wide and deep the data is, the result is small', () => {
    const wide: unknown[] = [];
    wide.push(...Array.from({ length: 500 }, () => wide));
    expect(JSON.stringify(shown(wide)).length).toBeLessThan(100_000);
  });

  test('never throws, and what it gives is JSON', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withObjectString: true,
    });
    fc.assert(fc.property(anything, (value) => JSON.stringify({ value: shown(value) }) !== ''));
  });
});

describe('sanitizeEvent', () => {
  test('reaches the outcome of a call, which the sanitizers of the package do not', () => {
    const event = { type: 'xstate.done.actor.getKey', output: { key: KEY } };
    const snapshot = { status: 'done', output: { key: KEY }, error: undefined } as const;
    const safe = sanitizeEvent({ ...HEAD, type: '@xstate.snapshot', event, snapshot });
    expect(safe).toMatchObject({
      event: { type: 'xstate.done.actor.getKey', output: { key: '[object]' } },
      snapshot: { status: 'done', output: { key: '[object]' } },
    });
  });

  test('of a snapshot only state, memory and outcome pass', () => {
    const snapshot = {
      status: 'active',
      value: 'idle',
      context: {},
      machine: { key: KEY },
    } as const;
    const actor = { ...HEAD, name: 'bob', parentId: undefined, definition: undefined } as const;
    const safe = sanitizeEvent({ ...actor, type: '@xstate.actor', snapshot });
    expect(safe).toHaveProperty('snapshot', { status: 'active', value: 'idle', context: {} });
  });
});
