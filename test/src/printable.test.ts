import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { printable } from '../../src/printable.ts';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index * 4));

describe('printable text', () => {
  test('stays as it is where nothing is wrong with it', () => {
    const text = 'Größe 5 µm, "quoted", path /var/lib/qupskd/psk/alice/bob.key=1';
    expect(printable(text, 100)).toBe(text);
  });

  test('cannot end the line, drive the terminal or turn its direction', () => {
    expect(printable('a\nb\r\t\u001b[2J\u0085\u2028\u202e\ufeff\ud800', 200)).toBe(
      'a\\u{a}b\\u{d}\\u{9}\\u{1b}[2J\\u{85}\\u{2028}\\u{202e}\\u{feff}\\u{d800}',
    );
  });

  test.each(['base64', 'base64url', 'hex'] as const)(
    'never shows a key in %s, nor the head of one',
    (form) => {
      const key = KEY.toString(form);
      const around = fc.string({ maxLength: 120 });
      fc.assert(
        fc.property(around, fc.integer({ min: 1, max: 150 }), (before, charactersMax) => {
          const shown = printable(`${before} ${key} ${key}`, charactersMax);
          expect(shown.length).toBeLessThanOrEqual(charactersMax);
          // The longest piece of the key that chance may put into the text before it.
          expect(shown.includes(key.slice(0, 12))).toBe(false);
        }),
      );
    },
  );

  test('leaves names and identifiers of other lengths alone', () => {
    const names = '0f8fad5b-d9cb-469f-a165-70867728950e ERR_SINK_FAILED sae_alice-0123456789abcdef';
    expect(printable(names, 100)).toBe(names);
  });
});
