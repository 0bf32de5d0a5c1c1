/** What sinks say, and records of sinks and links, in the words of the tests. */

import type { EffectReading } from '../../../src/sinks/sink.ts';
import {
  judged,
  type LinkRecord,
  NEW_LINK_RECORD,
  withCommit,
  withWord,
} from '../../../src/tunnel/link-record.ts';
import {
  newSinkRecord,
  type SinkRecord,
  withHeld,
  withReading,
} from '../../../src/tunnel/sink-record.ts';

export const SECOND_MS = 1_000;
export const CHAIN = '5452881e-0ef4-455f-a99e-d716741c6c42';
export const ONE = { chain: CHAIN, epoch: 1 };
export const TWO = { chain: CHAIN, epoch: 2 };
export const THREE = { chain: CHAIN, epoch: 3 };

/** A PSK that was agreed and waits for its session; the session before is a minute old. */
export const WAITS: EffectReading = {
  inEffect: false,
  sessionAgeMs: 60 * SECOND_MS,
  rxBytes: 0,
  txBytes: 0,
  agreedPsk: true,
  beganWithoutPsk: false,
};
export const TOOK_EFFECT: EffectReading = { ...WAITS, inEffect: true, sessionAgeMs: 0 };
export const NEVER_MET: EffectReading = { ...WAITS, sessionAgeMs: null };
export const NO_AGREED_PSK: EffectReading = { ...WAITS, agreedPsk: false };

/** A sink that can tell, and what it goes through. */
export function sinkAfter(...steps: readonly ((record: SinkRecord) => SinkRecord)[]): SinkRecord {
  return steps.reduce((record, step) => step(record), newSinkRecord('wireguard wg0', true));
}

/** @param atS - seconds */
export const held =
  (name: { chain: string; epoch: number } | null, atS: number) =>
  (record: SinkRecord): SinkRecord =>
    withHeld(record, name, atS * SECOND_MS);

/** @param atS - seconds */
export const said =
  (reading: EffectReading, atS: number) =>
  (record: SinkRecord): SinkRecord =>
    withReading(record, reading, atS * SECOND_MS);

/** Readings every five seconds, whose counters grow by so many bytes each. @param fromS - seconds */
export const saidWhileCounting =
  (reading: EffectReading, fromS: number, toS: number, bytes: { rx?: number; tx?: number }) =>
  (record: SinkRecord): SinkRecord => {
    let now = record;
    for (let atS = fromS; atS <= toS; atS += 5) {
      const before = now.counters.at(-1) ?? { rxBytes: 0, txBytes: 0 };
      const rxBytes = before.rxBytes + (bytes.rx ?? 0);
      const txBytes = before.txBytes + (bytes.tx ?? 0);
      const sessionAgeMs =
        reading.sessionAgeMs === null ? null : reading.sessionAgeMs + (atS - fromS) * SECOND_MS;
      now = withReading(now, { ...reading, sessionAgeMs, rxBytes, txBytes }, atS * SECOND_MS);
    }
    return now;
  };

/** A link with these sinks whose newest agreed PSK is TWO. */
export function linkOf(...sinks: readonly SinkRecord[]): LinkRecord {
  return withCommit({ ...NEW_LINK_RECORD, sinks }, TWO);
}

/** The peer has said of TWO that it is installed, or in effect. @param atS - seconds */
export function hearing(link: LinkRecord, inEffect: boolean, atS = 0): LinkRecord {
  return withWord(link, { ...TWO, installed: true, inEffect, atMs: atS * SECOND_MS });
}

/** As the watch does after each change. @param atS - seconds */
export function judgedAt(link: LinkRecord, atS: number): LinkRecord {
  return judged(link, atS * SECOND_MS)[0];
}
