/**
 * The soak itself: lets two daemons rotate, commits one planned fault after the other, and measures
 * what each of them did to the link.
 *
 * All times are milliseconds of `performance.now()`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ENDS, type End, KeyFiles } from '../../example/demo/key-files.ts';
import { parseLogLine } from '../../example/demo/timeline.ts';
import { commitFault } from './commit-fault.ts';
import { LinkWatch } from './link-watch.ts';
import { describeFault, Plan, type PlannedFault } from './plan.ts';
import type { MetFault, Results } from './report.ts';
import { Stage } from './stage.ts';

/** A link that does not rotate for so long will not do so by itself any more. */
const STANDSTILL_MS = 120_000;

export interface SoakOptions {
  /** Private to this run. */
  readonly folder: string;
  /** Where the built programs are. */
  readonly dist: string;
  readonly lastsMs: number;
  readonly intervalMs: number;
  /** The share of rotations that meet a fault; 0 for none. */
  readonly faultRate: number;
  readonly seed: number;
  /** Told of each line that a daemon logs. */
  readonly onLine: (end: End, line: string) => void;
  /** Told as it begins. */
  readonly onFault: (what: string) => void;
  /** Told once it is over and its consequences are known. */
  readonly onMet: (fault: MetFault) => void;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

export class Soak {
  readonly #options: SoakOptions;
  readonly #watch = new LinkWatch();
  readonly #faults: MetFault[] = [];
  readonly #beganMs = performance.now();
  #endedMs: number | null = null;
  /** As counted last, after an agreement. */
  #keysIssued = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
  }

  /** So far. */
  results(): Results {
    const { spells, agreedAtMs } = this.#watch;
    return {
      lastedMs: (this.#endedMs ?? performance.now()) - this.#beganMs,
      rotations: agreedAtMs.length,
      keysIssued: this.#keysIssued,
      unequal: spells.unequal,
      expired: spells.expired,
      faults: this.#faults,
    };
  }

  /** Resolves when the time is over, or when the two ends do not come together any more. */
  async run(): Promise<void> {
    const { folder, dist, intervalMs, onLine, signal } = this.#options;
    const dead = new AbortController();
    const stage = await Stage.prepare(folder, {
      dist,
      intervalMs,
      onLine: (end, text) => {
        onLine(end, text);
        const line = parseLogLine(text);
        if (line !== null) this.#watch.hear(end, line);
      },
      onDeath: (how) => dead.abort(new Error(how)),
    });
    const keyFiles = new KeyFiles(stage.keyFiles, (held, nowMs) => this.#watch.held(held, nowMs));
    try {
      for (const end of ENDS) await stage.startKme(end);
      for (const end of ENDS) await stage.startDaemon(end);
      await this.#play(stage, AbortSignal.any([signal, dead.signal]));
    } catch (error) {
      throw dead.signal.aborted ? dead.signal.reason : error;
    } finally {
      keyFiles.close();
      this.#endedMs = performance.now();
      this.#watch.spells.finish(this.#endedMs);
      await stage.close();
    }
  }

  async #play(stage: Stage, signal: AbortSignal): Promise<void> {
    const { lastsMs, faultRate, seed, intervalMs } = this.#options;
    const plan = new Plan({ seed, faultRate, intervalMs });
    const timeOver = AbortSignal.timeout(lastsMs);
    const untilOver = AbortSignal.any([signal, timeOver]);
    const { agreedAtMs } = this.#watch;
    try {
      let agreedMs: number | null = await this.#watch.agreementAfter(this.#beganMs, untilOver);
      /** Which rotation met the fault before, by number; the first PSK counts as one. */
      let met = agreedAtMs.length;
      while (agreedMs !== null) {
        const planned = plan.next();
        while (agreedAtMs.length < met + planned.gap - 1) {
          await this.#countKeys(stage);
          stage.forgetMessages();
          agreedMs = await this.#watch.agreementAfter(agreedMs, untilOver);
        }
        const beginMs = agreedMs + intervalMs - planned.leadMs;
        await sleep(beginMs - performance.now(), null, { signal: untilOver });
        met = agreedAtMs.length + 1;
        agreedMs = await this.#meet(planned, stage, signal);
      }
    } catch (error) {
      if (!timeOver.aborted || signal.aborted) throw error;
      // So that no exchange is under way when the keys are counted for the last time.
      if ((await this.#agreementAfter(performance.now(), signal)) === null) {
        throw new Error(`no PSK was agreed for ${STANDSTILL_MS} ms`);
      }
      await this.#countKeys(stage);
    }
  }

  /** Commits a fault, ends it, and waits for the recovery. @returns when; null: it does not come */
  async #meet(planned: PlannedFault, stage: Stage, signal: AbortSignal): Promise<number | null> {
    const { intervalMs, onFault, onMet } = this.#options;
    const { agreedAtMs } = this.#watch;
    const what = describeFault(planned.fault);
    const before = { keys: await this.#countKeys(stage), rotations: agreedAtMs.length };
    onFault(what);
    const patience = AbortSignal.any([signal, AbortSignal.timeout(STANDSTILL_MS)]);
    const end = await commitFault(planned.fault, stage, patience);
    const hitMs = performance.now();
    if (planned.fault.type === 'killed') this.#watch.spells.die();
    await sleep(planned.lastsMs, null, { signal });
    const endedMs = await end();
    const lastAgreedMs = agreedAtMs.findLast((atMs) => atMs < endedMs) ?? Number.NaN;
    const dueMs = lastAgreedMs + intervalMs;
    const riddenThrough = planned.fault.type !== 'killed' && dueMs > endedMs;
    const recoveredMs = await this.#agreementAfter(endedMs, signal);
    const lost = (await this.#countKeys(stage)) - before.keys;
    const met: MetFault = {
      what,
      atMs: hitMs - this.#beganMs,
      lastedMs: endedMs - hitMs,
      recoveryMs: recoveredMs && Math.max(0, recoveredMs - (riddenThrough ? dueMs : endedMs)),
      riddenThrough,
      keysLost: lost - (agreedAtMs.length - before.rotations),
    };
    this.#faults.push(met);
    onMet(met);
    return recoveredMs;
  }

  /** @returns when; null: not within STANDSTILL_MS */
  async #agreementAfter(sinceMs: number, signal: AbortSignal): Promise<number | null> {
    const standstill = AbortSignal.timeout(STANDSTILL_MS);
    try {
      return await this.#watch.agreementAfter(sinceMs, AbortSignal.any([signal, standstill]));
    } catch (error) {
      if (signal.aborted) throw error;
      return null;
    }
  }

  async #countKeys({ kmes }: Stage): Promise<number> {
    const counts = await Promise.all(ENDS.map((end) => kmes[end].keysIssued()));
    this.#keysIssued = counts.reduce((sum, count) => sum + count, 0);
    return this.#keysIssued;
  }
}
