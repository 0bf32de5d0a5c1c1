/** What this end says of itself in its hello. Nothing of it is secret. */
import type { LinkConfig } from '../config/types.ts';
import type { HelloFacts } from '../peer/hello-message.ts';

/** @param version - of this program */
export function factsOf(
  config: Pick<LinkConfig, 'intervalMs' | 'maxKeyAgeMs' | 'lookahead' | 'onExpiry' | 'sinks'>,
  version: string,
): HelloFacts {
  const { intervalMs, maxKeyAgeMs, lookahead, onExpiry, sinks } = config;
  const types = [...new Set(sinks.map(({ type }) => type))].sort();
  return { version, intervalMs, maxKeyAgeMs, lookahead, onExpiry, sinks: types };
}
