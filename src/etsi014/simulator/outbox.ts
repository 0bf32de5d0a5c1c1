/**
 * What a simulated KME has yet to tell its partner in another process; see sync.ts for what that is.
 *
 * While the partner is away the keys wait, and nobody waits for them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TlsConfig } from '../../config/types.ts';
import { HttpCaller } from '../../http-call.ts';
import type { ToldKey } from './store.ts';
import { KEYS_PER_MESSAGE_MAX, printMessage, SYNC_PATH } from './sync.ts';

/** Keys that the partner does not know yet; past it the oldest is given up. */
const UNTOLD_KEYS_MAX = 10_000;

const CONNECT_TIMEOUT_MS = 3_000;
const TOTAL_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 4_000;
const RETRY_MS = 250;
const ANSWER_BYTES_MAX = 16 * 1024;

export interface OutboxOptions {
  /** Base URL of the partner. */
  readonly url: string;
  readonly tls: TlsConfig | null;
  /** What its certificate must name, where it has one. */
  readonly partnerKmeId: string;
  /** Told once when the partner cannot be told, with the reason, and with null when it can again. */
  readonly onTrouble: (reason: string | null) => void;
}

/** Keys on their way to the partner: in order, each until the partner has it. */
export class Outbox {
  readonly #caller: HttpCaller;
  readonly #onTrouble: OutboxOptions['onTrouble'];
  readonly #closing = new AbortController();
  #untold: ToldKey[] = [];
  #isTelling = false;
  #trouble: string | null = null;

  /** @throws QupskdError as HttpCaller does */
  constructor({ url, tls, partnerKmeId, onTrouble }: OutboxOptions) {
    this.#onTrouble = onTrouble;
    this.#caller = new HttpCaller({
      url,
      tls,
      server: 'the partner KME',
      serverIdentity: url.startsWith('https:') ? partnerKmeId : null,
      keepAliveMs: KEEP_ALIVE_MS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      totalTimeoutMs: TOTAL_TIMEOUT_MS,
      answerBytesMax: ANSWER_BYTES_MAX,
    });
  }

  get untoldKeyCount(): number {
    return this.#untold.length;
  }

  tell(keys: readonly ToldKey[]): void {
    this.#untold = [...this.#untold, ...keys].slice(-UNTOLD_KEYS_MAX);
    if (!this.#isTelling) void this.#tellAll();
  }

  close(): void {
    this.#closing.abort();
    this.#caller.close();
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true;
    while (this.#untold.length > 0 && !this.#closing.signal.aborted) {
      const keys = this.#untold.slice(0, KEYS_PER_MESSAGE_MAX);
      const reason = await this.#send(keys);
      if (reason !== this.#trouble && !this.#closing.signal.aborted) this.#onTrouble(reason);
      this.#trouble = reason;
      // Not by number: meanwhile the oldest may have been given up.
      if (reason === null) this.#untold = this.#untold.filter((key) => !keys.includes(key));
      // Closing ends the wait; the loop sees it.
      else await delay(RETRY_MS, null, { signal: this.#closing.signal }).catch(() => {});
    }
    this.#isTelling = false;
  }

  /** @returns null, or why the partner does not have these keys for certain */
  async #send(keys: readonly ToldKey[]): Promise<string | null> {
    const answer = await this.#caller.send(
      {
        method: 'POST',
        path: SYNC_PATH,
        headers: { 'Content-Type': 'application/json' },
        body: Buffer.from(printMessage(keys)),
      },
      this.#closing.signal,
    );
    if (answer.type !== 'answer') return answer.reason;
    return answer.status === 204 ? null : `it answered ${answer.status}`;
  }
}
