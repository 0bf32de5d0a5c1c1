/** A TunnelWatch on a clock that the test moves, with sinks and a peer that do as they are told. */
import type { EffectResult } from '../../../src/peer/caller.ts';
import type { EffectNews } from '../../../src/peer/effect-message.ts';
import { Secret } from '../../../src/secret.ts';
import type { EffectReading, PskOrder, Sink } from '../../../src/sinks/sink.ts';
import { TunnelWatch, type TunnelWatchOptions } from '../../../src/tunnel/watch.ts';
import { atEnd } from '../../support/ending.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { NEVER } from '../../support/never.ts';
import { RecordingLog } from '../peer/support.ts';
import { NEVER_MET, SECOND_MS, TWO } from './readings.ts';

/** A sink that can tell, and says what the test has put there. */
export class TellingSink implements Sink {
  readonly label: string;
  says: EffectReading | Error = NEVER_MET;
  /** What each call waits for before it does anything. */
  gate: Promise<void> = Promise.resolve();
  /** What was called, each with the time it began, in seconds. */
  readonly calls: string[] = [];
  readonly signals: AbortSignal[] = [];
  /** Calls of `effect` and `revive` under way at once, at the most. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock, label = 'wireguard wg0') {
    this.label = label;
    this.#clock = clock;
  }

  async install(order: PskOrder): Promise<void> {
    this.#record(order.agreed === null ? 'random' : `install ${order.agreed.epoch}`);
    await this.gate;
  }

  async remove(): Promise<void> {
    this.#record('remove');
    await this.gate;
  }

  async effect(signal: AbortSignal): Promise<EffectReading> {
    await this.#guarded('effect', signal);
    if (this.says instanceof Error) throw this.says;
    return this.says;
  }

  async revive(signal: AbortSignal): Promise<void> {
    await this.#guarded('revive', signal);
  }

  /** The seconds at which a call began. */
  timesOf(call: string): number[] {
    return this.calls.flatMap((line) => {
      const [name, at] = line.split(' at ');
      return name === call ? [Number(at)] : [];
    });
  }

  async #guarded(call: string, signal: AbortSignal): Promise<void> {
    this.#record(call);
    this.signals.push(signal);
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      await this.gate;
    } finally {
      this.#atOnce -= 1;
    }
  }

  #record(call: string): void {
    this.calls.push(`${call} at ${this.#clock.nowMs() / 1_000}`);
  }
}

/** A peer that answers as the test says, and keeps what it was told. */
export class FakeEffectCaller {
  readonly told: (EffectNews & { readonly atS: number })[] = [];
  readonly signals: AbortSignal[] = [];
  answer: (news: EffectNews) => EffectResult | Promise<EffectResult> = (news) => ({
    type: 'told',
    ...news,
    installed: true,
    inEffect: false,
  });
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async tellEffect(news: EffectNews, signal: AbortSignal): Promise<EffectResult> {
    this.signals.push(signal);
    this.told.push({ ...news, atS: this.#clock.nowMs() / 1_000 });
    return await this.answer(news);
  }

  get toldAtS(): number[] {
    return this.told.map(({ atS }) => atS);
  }
}

/** A watch that has not started, of one sink unless the test says otherwise. */
export function watchTunnel(change: Partial<TunnelWatchOptions> = {}) {
  const clock = new FakeClock();
  const sink = new TellingSink(clock);
  const caller = new FakeEffectCaller(clock);
  const log = new RecordingLog();
  const watch = new TunnelWatch({
    sinks: [sink],
    precedence: true,
    caller,
    log,
    clock,
    ...change,
  });
  /** As the link does: it commits, and the runner hands the PSK to every sink. */
  const install = async (name = TWO): Promise<void> => {
    watch.committed(name);
    for (const each of watch.sinks) await each.install(orderOf(name), NEVER);
  };
  return { watch, clock, sink, caller, log, install };
}

export function orderOf(name: { chain: string; epoch: number } | null): PskOrder {
  const psk = new Secret(Buffer.alloc(32, 7));
  const agreed = name && { ...name, keyId: 'a key_ID', role: 'initiator' as const };
  return { psk, agreed };
}

export type Bench = ReturnType<typeof watchTunnel>;

/** A watch that has started and ends with the test. */
export function start(change: Partial<TunnelWatchOptions> = {}): Bench {
  const bench = watchTunnel(change);
  atEnd(() => bench.watch.stop());
  bench.watch.start();
  return bench;
}

/** Lets so many seconds pass in which the tunnel sends so many bytes each. */
export async function sending(
  { clock, sink }: Bench,
  seconds: number,
  bytes: number,
): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    if (!(sink.says instanceof Error)) {
      const { sessionAgeMs, txBytes } = sink.says;
      const aged = sessionAgeMs === null ? null : sessionAgeMs + SECOND_MS;
      sink.says = { ...sink.says, sessionAgeMs: aged, txBytes: txBytes + bytes };
    }
    await clock.advance(SECOND_MS);
  }
}
