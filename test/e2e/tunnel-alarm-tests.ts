/** What an operator is told of a tunnel that is open, and of a PSK that protects nothing. */
import { describe, expect } from '@jest/globals';
import { lostOf, NOTHING_LOST } from '../support/tunnel-lab.ts';
import type { LongTests } from './tunnel-long.ts';
import { testIfPossible } from './tunnel-possible.ts';

const LONG_TEST_MS_MAX = 240_000;
const BOTH = ['alice', 'bob'];
const OPEN = { verdict: 'not protected', tunnel: { protection: 'exposed', alarm: 'exposed' } };
const PROTECTED = { verdict: 'protected', tunnel: { protection: 'protected', alarm: null } };

/** @param long - says what is under way, once it is */
export function describeAlarms(long: () => LongTests): void {
  describe('alarms', () => {
    testIfPossible(
      'traffic without an agreed PSK: until a session has begun under one',
      async () => {
        const { before, installed, after, flows } = await long().exposed;
        const carries = expect.stringContaining('carries traffic without');
        expect(before).toMatchObject({ statuses: BOTH.map(() => OPEN), codes: [2, 2] });
        for (const { reason } of before.statuses) expect(reason).toEqual(carries);
        expect(installed).toMatchObject({ statuses: BOTH.map(() => OPEN), codes: [2, 2] });
        expect(after).toMatchObject({ statuses: BOTH.map(() => PROTECTED), codes: [0, 0] });
        expect(lostOf(flows)).toEqual(NOTHING_LOST);
      },
      LONG_TEST_MS_MAX,
    );

    testIfPossible(
      'traffic in a session of before there was a PSK, though one is agreed at once: as long',
      async () => {
        const { installed, after, flows } = await long().bare;
        const reason = expect.stringContaining('in a session that began without an agreed PSK');
        const open = BOTH.map(() => ({ ...OPEN, reason }));
        expect(installed).toMatchObject({ statuses: open, codes: [2, 2] });
        expect(after).toMatchObject({ statuses: BOTH.map(() => PROTECTED), codes: [0, 0] });
        expect(lostOf(flows)).toEqual(NOTHING_LOST);
      },
      LONG_TEST_MS_MAX,
    );

    testIfPossible(
      'another PSK at both ends: until an agreed one is in its place, for the session had one',
      async () => {
        const { during, after, isSameSession, flows } = await long().foreign;
        expect(during).toMatchObject({ statuses: BOTH.map(() => OPEN), codes: [2, 2] });
        // That it had been protected is not taken for granted any more.
        const ended = { verdict: 'degraded', tunnel: { protection: 'installed', alarm: null } };
        expect(after).toMatchObject(BOTH.map(() => ended));
        expect(isSameSession).toBe(true);
        expect(lostOf(flows)).toEqual(NOTHING_LOST);
      },
      LONG_TEST_MS_MAX,
    );

    testIfPossible(
      'a PSK that does not take effect, though there is traffic: until it does',
      async () => {
        const { alarmAfterMs, during, after } = await long().unreachable;
        expect(alarmAfterMs).toBeGreaterThan(120_000);
        const late = {
          verdict: 'degraded',
          reason: 'The PSK does not take effect, though there is traffic.',
          tunnel: { protection: 'installed', alarm: 'not in effect' },
          sinks: [{ state: 'not in effect' }],
        };
        expect(during).toMatchObject({ statuses: BOTH.map(() => late), codes: [1, 1] });
        // The end with precedence alone has tried to bring a session about.
        const [tries, none] = during.statuses.map(({ sinks }) => sinks[0]?.revivals);
        expect([tries, none]).toEqual([expect.any(Number), 0]);
        expect(tries).toBeGreaterThan(10);
        expect(after).toMatchObject({ codes: [0, 0] });
      },
      LONG_TEST_MS_MAX,
    );
  });
}
