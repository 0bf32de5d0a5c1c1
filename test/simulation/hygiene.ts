/**
 * Judges what an end keeps: every list has its bound, every candidate is overwritten when its
 * exchange is over, and no key shows in what the machine remembers or orders.
 */
import type { LinkEffect } from '../../machines/effects.ts';
import { FINISHED_MAX, WAITING_MAX } from '../../machines/timing.ts';
import type { Staging } from '../../src/psk/keyring.ts';
import type { End } from './end.ts';
import type { Oracle } from './oracle.ts';
import type { EndName } from './wire.ts';

/** Two for the step of the exchange, two for the age of the PSK. */
const TIMERS_MAX = 4;

/** An end asks one thing at a time. */
const CALLS_MAX = 1;

/** The machine's memory as JSON: FINISHED_MAX ids and little else. */
const MEMORY_CHARS_MAX = 8_192;

/** Keys are looked for at every so many steps, and whenever one was just put to use. */
const STEPS_BETWEEN_SEARCHES = 16;

/** A rule of the house is broken: no invariant of the protocol, but a fault all the same. */
export class HygieneBroken extends Error {
  constructor(finding: string) {
    super(`hygiene: ${finding}`);
    this.name = 'HygieneBroken';
  }
}

/** An exchange whose secrets an end holds: the very bytes of its confirmation stand for them. */
interface Kept {
  readonly exchange: string;
  readonly confirmation: Buffer;
}

export class Hygiene {
  readonly #oracle: Oracle;
  readonly #kept: Record<EndName, Kept[]> = { alice: [], bob: [] };
  #steps = 0;

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  staged({ name, running }: End, { exchange }: Staging): void {
    const confirmation = running.keyring.confirmation(exchange);
    if (confirmation === null) throw new HygieneBroken(`${name} has staged ${exchange} in vain`);
    this.#kept[name].push({ exchange, confirmation });
  }

  disposed({ name }: End): void {
    const left = this.#kept[name].find(({ confirmation }) => !isZero(confirmation));
    if (left !== undefined)
      throw new HygieneBroken(`${name} stops with the PSK of ${left.exchange}`);
  }

  forget(end: EndName): void {
    this.#kept[end] = [];
  }

  sent(body: Buffer): void {
    if (this.#oracle.isLeak(body.toString('latin1'))) throw new HygieneBroken('a key is sent');
  }

  afterStep(end: End, effects: readonly LinkEffect[]): void {
    checkBounds(end);
    checkReserved(end);
    this.#checkWiped(end);
    this.#steps += 1;
    const commits = effects.some((effect) => effect.type === 'act' && effect.name === 'commit');
    if (commits || this.#steps % STEPS_BETWEEN_SEARCHES === 0) this.#searchSecrets(end, effects);
  }

  /** What belongs neither to the exchange under way nor to the last commit is overwritten. */
  #checkWiped(end: End): void {
    const { name, running, context } = end;
    const { exchange, lastCommit } = context;
    this.#kept[name] = this.#kept[name].filter((kept) => {
      if (kept.exchange === exchange?.id || kept.exchange === lastCommit?.exchange) return true;
      if (running.keyring.confirmation(kept.exchange) !== null || !isZero(kept.confirmation)) {
        throw new HygieneBroken(`${name} still holds what was derived for ${kept.exchange}`);
      }
      return false;
    });
  }

  #searchSecrets({ name, running }: End, effects: readonly LinkEffect[]): void {
    const { value, context } = running.snapshot;
    const memory = JSON.stringify([value, context]);
    if (memory.length > MEMORY_CHARS_MAX) throw new HygieneBroken(`${name} remembers too much`);
    if (this.#oracle.isLeak(memory) || this.#oracle.isLeak(JSON.stringify(effects))) {
      throw new HygieneBroken(`a key shows in the machine of ${name}`);
    }
  }
}

function checkBounds({ name, context, timers, calls, tickets }: End): void {
  const sizes: readonly (readonly [string, number, number])[] = [
    ['finished exchanges', context.finished.length, FINISHED_MAX],
    ['requests let wait', context.exchange?.waiting.length ?? 0, WAITING_MAX],
    ['requests not answered', tickets.size, WAITING_MAX],
    ['keys laid by', context.reserved.length, context.lookahead],
    ['timers', timers.size, TIMERS_MAX],
    ['calls under way', calls.size, CALLS_MAX],
  ];
  const tooMany = sizes.find(([, size, max]) => size > max);
  if (tooMany === undefined) return;
  const [what, size, max] = tooMany;
  throw new HygieneBroken(`${name} has ${size} ${what}, more than ${max}`);
}

/** Keys are held while they are named, and no longer. */
function checkReserved({ name, context, running }: End): void {
  if (running.keyring.reserved.join() === context.reserved.join()) return;
  throw new HygieneBroken(`${name} has other keys laid by than it names`);
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
