/**
 * Virtual time: which timer fires when, and running until nothing is left to do.
 */
import type { EndName } from './commands.ts';
import { arrive } from './delivery.ts';
import type { End, Timer } from './end.ts';
import type { Engine } from './engine.ts';
import { answerKme, callToKme } from './kme-answers.ts';
import { finishDraw } from './slots.ts';

/** Each loop ends after this many steps, loudly. */
const FIRED_MAX = 100_000;
const SETTLE_STEPS_MAX = 1_000;
const STABILIZE_TIMERS_MAX = 200;

/** Time moves on; timers fire in the order of their due times. Nothing is delivered. */
export function advance(engine: Engine, ms: number): void {
  moveTo(engine, engine.nowMs + ms, null);
}

/** As advance; the end that sleeps finds all its overdue timers when it wakes. */
export function sleep(engine: Engine, end: End, ms: number): void {
  moveTo(engine, engine.nowMs + ms, end.name);
  const overdue = end.timersByDue.filter(({ dueMs }) => dueMs <= engine.nowMs);
  for (const timer of overdue) {
    // One that fired before may have cancelled it.
    if (end.timers.get(timer.event) === timer) engine.fire(end, timer);
    engine.drain();
  }
}

function moveTo(engine: Engine, untilMs: number, asleep: EndName | null): void {
  for (let fired = 0; ; fired += 1) {
    if (fired > FIRED_MAX) throw new Error('timers fire without end');
    const next = nextTimer(engine, asleep);
    if (next === null || next.timer.dueMs > untilMs) break;
    engine.nowMs = next.timer.dueMs;
    engine.fire(next.end, next.timer);
    engine.drain();
  }
  engine.nowMs = untilMs;
}

/** The timer that is due first, over both ends. */
function nextTimer(engine: Engine, asleep: EndName | null): { end: End; timer: Timer } | null {
  const candidates = Object.values(engine.ends).flatMap((end) => {
    const timer = end.name === asleep ? undefined : end.timersByDue[0];
    return timer === undefined ? [] : [{ end, timer }];
  });
  candidates.sort((a, b) => a.timer.dueMs - b.timer.dueMs);
  return candidates[0] ?? null;
}

/** Delivers everything and lets the KMEs answer until nothing is under way; no time passes. */
export function settle(engine: Engine): void {
  for (let steps = 0; settleOne(engine); steps += 1) {
    if (steps > SETTLE_STEPS_MAX) throw new Error('the ends never come to rest');
    engine.drain();
  }
}

function settleOne(engine: Engine): boolean {
  const [oldest] = engine.network.inFlight;
  if (oldest !== undefined) {
    engine.network.takeOff(oldest);
    arrive(engine, oldest);
    return true;
  }
  for (const end of Object.values(engine.ends)) {
    if (end.calls.has('drawExchange')) {
      finishDraw(engine, end);
      return true;
    }
    if (end.take !== null) {
      end.take();
      return true;
    }
    const call = callToKme(end);
    if (call !== null && !call.stalled) {
      answerKme(engine, end, 'ok');
      return true;
    }
  }
  return false;
}

/** Settles, and goes on to the next timer until both ends rest on one chain and epoch. */
export function stabilize(engine: Engine): void {
  settle(engine);
  for (let timers = 0; !isStable(engine); timers += 1) {
    const next = nextTimer(engine, null);
    if (next === null || timers > STABILIZE_TIMERS_MAX) throw new Error('the ends never agree');
    advance(engine, Math.max(0, next.timer.dueMs - engine.nowMs));
    settle(engine);
  }
}

/** Both ends rest on one chain and epoch, and nothing is under way or to be tried again. */
export function isStable({ ends: { alice, bob }, network }: Engine): boolean {
  if (!alice.running || !bob.running || network.inFlight.length > 0) return false;
  if (alice.calls.size > 0 || bob.calls.size > 0) return false;
  const resting = [alice, bob].every((end) => end.regions.agreement === 'committed.resting');
  // Equal symbols are equal chains and epochs; the names of a chain differ on protocol 1.
  return resting && alice.keyring.chainKey?.symbol === bob.keyring.chainKey?.symbol;
}
