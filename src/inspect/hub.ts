/**
 * Where inspection events come together and go out to whoever looks.
 *
 * The adapter of @statelyai/inspect. A viewer that comes late gets every link, its newest snapshot and
 * the last events; the memory for it is bounded.
 */
import type { createInspector, StatelyInspectionEvent } from '@statelyai/inspect';

/** Some twelve rotations of one link. */
const RECENT_MAX = 500;

type Adapter = Parameters<typeof createInspector>[0];
type Listener = (event: StatelyInspectionEvent) => void;

export class Hub implements Adapter {
  /** By session id: actors without a parent, which are the links. */
  readonly #links = new Map<string, StatelyInspectionEvent>();
  readonly #snapshots = new Map<string, StatelyInspectionEvent>();
  readonly #recent: StatelyInspectionEvent[] = [];
  readonly #listeners = new Set<Listener>();

  send(event: StatelyInspectionEvent): void {
    this.#remember(event);
    for (const listener of this.#listeners) listener(event);
  }

  /**
   * Gives what is remembered at once, and then every event.
   *
   * @returns ends it
   */
  subscribe(listener: Listener): () => void {
    const older = [...this.#snapshots.values()].filter((event) => !this.#recent.includes(event));
    for (const event of [...this.#links.values(), ...older, ...this.#recent]) listener(event);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #remember(event: StatelyInspectionEvent): void {
    const { type, sessionId } = event;
    if (type === '@xstate.actor' && event.parentId === undefined) {
      this.#links.set(sessionId, event);
      return;
    }
    if (type === '@xstate.snapshot' && this.#links.has(sessionId)) {
      this.#snapshots.set(sessionId, event);
    }
    this.#recent.push(event);
    if (this.#recent.length > RECENT_MAX) this.#recent.shift();
  }
}
