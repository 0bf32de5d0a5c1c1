/**
 * Connects a daemon to the viewer: XState's inspection events become those of @statelyai/inspect,
 * with nothing secret in them.
 */
import { createInspector } from '@statelyai/inspect';
import type { InspectionEvent } from 'xstate';
import { linkMachine } from '../../machines/link.ts';
import type { Hub } from './hub.ts';
import { sanitizeEvent } from './sanitize.ts';

/** The table as it is written. The package would sort the states by name and cut it off below. */
const DEFINITION = JSON.stringify(linkMachine.config, (_key, value: unknown) =>
  typeof value === 'function' ? { type: value.name } : value,
);

/**
 * What `startDaemon` takes as `inspect`.
 *
 * @param end - which daemon this is, put before the names of its links
 */
export function inspectorFor(hub: Hub, end: string): (event: InspectionEvent) => void {
  const { inspect } = createInspector(hub, {
    serialize: (event) => {
      const safe = sanitizeEvent(event);
      const isLink = safe.type === '@xstate.actor' && safe.parentId === undefined;
      if (!isLink) return safe;
      return { ...safe, name: `${end} · link ${safe.name}`, definition: DEFINITION };
    },
  });
  return (event) => inspect.next?.(event);
}
