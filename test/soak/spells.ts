/**
 * For how long the two ends held different PSKs, and for how long one of them held none that was
 * agreed, from one happening after another. Pure.
 *
 * A spell of difference belongs to one exchange: the responder installs first, the initiator follows.
 * It has outlasted that exchange when an end has installed a further PSK and the two differ all the
 * same. An end that is killed half-way through knows nothing of that exchange and begins anew, so
 * every such death since the two were last in step excuses one further PSK.
 */
import { ENDS, type End, type Held } from '../../example/demo/key-files.ts';

export interface Spell {
  readonly sinceMs: number;
  readonly lastedMs: number;
}

export interface UnequalSpell extends Spell {
  readonly outlastedExchange: boolean;
}

interface OpenSpell {
  readonly sinceMs: number;
  readonly installed: Record<End, number>;
}

/** All times are milliseconds of one clock that does not jump. */
export class SpellWatch {
  readonly unequal: UnequalSpell[] = [];
  /** In each, at least one end held a PSK past `max_key_age`, or a random one in its place. */
  readonly expired: Spell[] = [];
  readonly #expiredEnds = new Set<End>();
  #held: Held = { alice: null, bob: null };
  #open: OpenSpell | null = null;
  #expiredSinceMs: number | null = null;
  #deaths = 0;

  /** What the key files hold from now on. */
  held(held: Held, nowMs: number): void {
    const changed = ENDS.filter((end) => held[end] !== this.#held[end]);
    this.#held = held;
    if (this.#differ) this.#open ??= newSpell(nowMs);
    // Before it may close: the change that makes both the same belongs to the spell as well.
    for (const end of changed) if (this.#open !== null) this.#open.installed[end] += 1;
    this.#look(nowMs);
  }

  /** The PSK of an end is too old: what it holds from here on closes the tunnel. */
  expire(end: End, nowMs: number): void {
    this.#expiredEnds.add(end);
    this.#expiredSinceMs ??= nowMs;
    this.#look(nowMs);
  }

  /** An end has an agreed PSK of its own again. */
  agree(end: End, nowMs: number): void {
    this.#expiredEnds.delete(end);
    if (this.#expiredEnds.size === 0) this.#endExpired(nowMs);
    this.#look(nowMs);
  }

  /** An end was killed. */
  die(): void {
    this.#deaths += 1;
  }

  /** Both ends have committed the same exchange. */
  inStep(): void {
    if (this.#open === null) this.#deaths = 0;
  }

  /** Nothing is watched any more: a spell that is open ends here. */
  finish(nowMs: number): void {
    this.#close(nowMs);
    this.#endExpired(nowMs);
  }

  /** Asked only while both ends are to have an agreed PSK. */
  get #differ(): boolean {
    return this.#held.alice !== this.#held.bob && this.#expiredEnds.size === 0;
  }

  #look(nowMs: number): void {
    if (this.#differ) this.#open ??= newSpell(nowMs);
    else this.#close(nowMs);
  }

  #close(nowMs: number): void {
    if (this.#open === null) return;
    const { sinceMs, installed } = this.#open;
    const installedMost = Math.max(...ENDS.map((end) => installed[end]));
    const outlastedExchange = installedMost > 1 + this.#deaths;
    this.unequal.push({ sinceMs, lastedMs: nowMs - sinceMs, outlastedExchange });
    this.#open = null;
  }

  #endExpired(nowMs: number): void {
    if (this.#expiredSinceMs === null) return;
    this.expired.push({ sinceMs: this.#expiredSinceMs, lastedMs: nowMs - this.#expiredSinceMs });
    this.#expiredSinceMs = null;
  }
}

function newSpell(sinceMs: number): OpenSpell {
  return { sinceMs, installed: { alice: 0, bob: 0 } };
}
