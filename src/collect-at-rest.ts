/**
 * Has V8 collect its young generation while the links rest.
 *
 * A rotation throws away about as much as that generation holds. Left to itself, V8 collects when it is
 * full, while it works at a rotation, and then starts on the old generation where that is due: some
 * milliseconds, in which one end may hold the new PSK and the other one the old (decision 0019).
 */
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { LinkObserver } from './link-observer.ts';

/** The sinks have their PSK by then, and the log its lines. */
const AFTER_COMMIT_MS = 50;

/**
 * One for all links of a process.
 *
 * @param collect - V8's own; undefined where Node was started without `--expose-gc`: nothing is done
 */
export function collectAtRest(
  collect: typeof globalThis.gc = globalThis.gc,
  clock: Pick<Clock, 'setTimer'> = SYSTEM_CLOCK,
): LinkObserver {
  let isDue = false;
  return ({ type }) => {
    if (type !== 'committed' || isDue || collect === undefined) return;
    isDue = true;
    clock.setTimer(() => {
      isDue = false;
      collect({ type: 'minor' });
    }, AFTER_COMMIT_MS);
  };
}
