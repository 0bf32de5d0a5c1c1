/**
 * Faults that befall an end or the way between them for a while, and the attacker's moves: each at
 * times of its own, for as long as the phase lasts.
 */
import type { End } from './end.ts';
import { drawLengthMs, type FaultKind } from './faults.ts';
import type { Simulation } from './simulation.ts';
import { END_NAMES, type EndName } from './wire.ts';

/** Share of the spells that befall both ends at once. */
const BOTH_SHARE = 0.3;

/** Begins a spell; false where nothing can come of it now. */
type Begin = (sim: Simulation, phaseEndMs: number) => boolean;

const SPELLS: Readonly<Partial<Record<FaultKind, Begin>>> = {
  partition: (sim) => {
    const untilMs = sim.agenda.nowMs + drawLengthMs(sim.random, sim.lengths.partitionMsMax);
    for (const from of drawEnds(sim)) {
      sim.log('net', `loses all of ${from} until ${untilMs}`);
      sim.network.cut(from, untilMs);
    }
    return true;
  },
  crash: (sim) => goDown(sim, (end) => end.crash()),
  stop: (sim) => goDown(sim, (end) => end.stop()),
  leap: (sim, phaseEndMs) => {
    const leapMs = drawLengthMs(sim.random, sim.lengths.leapMsMax);
    const wakesAtMs = Math.min(sim.agenda.nowMs + leapMs, phaseEndMs);
    const awake = drawEnds(sim).filter((name) => !sim.ends[name].isAsleep);
    for (const name of awake) {
      sim.log(name, `sleeps until ${wakesAtMs}`);
      sim.ends[name].asleepUntilMs = wakesAtMs;
    }
    return awake.length > 0;
  },
  pace: (sim) => {
    const awake = drawEnds(sim).filter((name) => !sim.ends[name].isAsleep);
    const paceMs = Math.round(sim.intervalMs * 2 * sim.random.fraction());
    for (const name of awake) sim.ends[name].tellPace(paceMs);
    return awake.length > 0;
  },
  kmeOutage: (sim) => {
    const untilMs = sim.agenda.nowMs + drawLengthMs(sim.random, sim.lengths.outageMsMax);
    for (const name of drawEnds(sim)) {
      sim.log('kme', `of ${name} is out of service until ${untilMs}`);
      sim.kmes.goOut(name, untilMs);
    }
    return true;
  },
  attack: (sim) => {
    sim.attacker.move();
    return true;
  },
};

/** Lets the spells of the phase begin; none begins after it. */
export function scheduleSpells(sim: Simulation, phaseEndMs: number): void {
  for (const [kind, begin] of Object.entries(SPELLS) as [FaultKind, Begin][]) {
    scheduleNext(sim, kind, begin, phaseEndMs);
  }
}

function scheduleNext(sim: Simulation, kind: FaultKind, begin: Begin, phaseEndMs: number): void {
  const rate = sim.faults[kind];
  if (rate === 0) return;
  const delayMs = sim.random.exponentialMs(sim.intervalMs / rate);
  if (sim.agenda.nowMs + delayMs >= phaseEndMs) return;
  sim.agenda.schedule(delayMs, () => {
    if (begin(sim, phaseEndMs)) sim.tally.count('faults', kind);
    scheduleNext(sim, kind, begin, phaseEndMs);
  });
}

function goDown(sim: Simulation, fall: (end: End) => void): boolean {
  const end = sim.ends[sim.random.pick(END_NAMES)];
  // An end that sleeps does nothing, not even stop.
  if (!end.isRunning || end.isAsleep) return false;
  fall(end);
  sim.agenda.schedule(drawLengthMs(sim.random, sim.lengths.downMsMax), () => {
    if (!end.isRunning) end.boot();
  });
  return true;
}

function drawEnds({ random }: Simulation): readonly EndName[] {
  return random.chance(BOTH_SHARE) ? END_NAMES : [random.pick(END_NAMES)];
}
