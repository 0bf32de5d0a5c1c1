/**
 * Says why a link does not get on: once as a warning, and only then as debug, until the reason
 * changes or the link has succeeded.
 *
 * A link without its peer or KME tries for as long as it takes. The operator must see why, and must
 * not see it every few seconds.
 */
import { QupskdError } from './errors.ts';
import type { Log, LogFields } from './log.ts';

export class Complaints {
  readonly #log: Log;
  /** The last reason, by what was said. The texts are this program's own, so they are few. */
  readonly #said = new Map<string, string>();
  #present: string | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Why it does not get on at present, in a few words; null since it got on. */
  get present(): string | null {
    return this.#present;
  }

  /** @param fields - with one of `code`, `reason`, `error`: what makes it another complaint */
  say(message: string, fields: LogFields): void {
    const { code, reason, error } = fields;
    const why = String(code ?? reason ?? (error instanceof QupskdError ? error.message : 'a bug'));
    const level = this.#said.get(message) === why ? 'debug' : 'warn';
    this.#said.set(message, why);
    this.#present = `${message} (${error instanceof QupskdError ? error.code : why})`;
    this.#log[level](message, fields);
  }

  /** It got on: whatever comes next is news. */
  clear(): void {
    this.#said.clear();
    this.#present = null;
  }
}
