/**
 * What two simulated KMEs in two processes tell each other: the keys that one has delivered to a
 * master SAE, for the slave SAEs at the other.
 *
 * It takes the place of the quantum channel, and is nothing of the kind: the keys cross the network.
 * Without mutual TLS they do so in clear, and anybody may tell a KME of keys.
 */
import * as z from 'zod';
import { isKeyId } from '../format.ts';
import { KeyIdCounter } from './key-id-counter.ts';
import type { ToldKey } from './store.ts';
import { parse } from './wire.ts';

export const SYNC_PATH = '/simulator/keys';

/** Keys in one message. Each may name nine slave SAEs, whose IDs fit into a request line. */
export const KEYS_PER_MESSAGE_MAX = 16;
export const SYNC_BYTES_MAX = 4 * 1024 * 1024;

const LAG_MS_MAX = 86_400_000;

const SAE_ID = z.string().min(1);
const MESSAGE = z.object({
  keys: z
    .array(
      z.object({
        key_ID: z.string().refine(isKeyId, 'shall be a UUID'),
        key: z.base64(),
        master_SAE_ID: SAE_ID.nullable(),
        slave_SAE_IDs: z.array(SAE_ID).min(1).max(9),
        lag_ms: z.number().min(0).max(LAG_MS_MAX),
      }),
    )
    .max(KEYS_PER_MESSAGE_MAX),
});

/** @param keys - KEYS_PER_MESSAGE_MAX at most */
export function printMessage(keys: readonly ToldKey[]): string {
  const message: z.input<typeof MESSAGE> = {
    keys: keys.map(({ keyId, key, masterSaeId, slaveSaeIds, lagMs }) => ({
      key_ID: keyId,
      key: key.toString('base64'),
      master_SAE_ID: masterSaeId,
      slave_SAE_IDs: [...slaveSaeIds],
      lag_ms: lagMs,
    })),
  };
  return JSON.stringify(message);
}

/** Reads messages; a key that was told before is left out, for it may have been collected. */
export class SyncReader {
  readonly #times = new KeyIdCounter();

  /**
   * @param input - decoded JSON, untrusted
   * @throws Refusal 400
   */
  newKeysIn(input: unknown): readonly ToldKey[] {
    return parse(MESSAGE, input)
      .keys.filter(({ key_ID }) => this.#times.next(key_ID) === 0)
      .map((entry) => ({
        keyId: entry.key_ID,
        key: Buffer.from(entry.key, 'base64'),
        masterSaeId: entry.master_SAE_ID,
        slaveSaeIds: entry.slave_SAE_IDs,
        lagMs: entry.lag_ms,
      }));
  }
}
