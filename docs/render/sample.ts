/**
 * A link at work, made up: what the parameters and delays of the machine are computed with, so that
 * the document says what they give and not how they are written.
 */
import type { LinkContext } from '../../machines/link.types.ts';
import { INTERVAL_DEFAULT_MS, MAX_KEY_AGE_INTERVALS } from '../../machines/timing.ts';

/** The request that has just come. */
export const REQUEST = 'the request that came';

/** With the default timing, a chain, and an exchange that two requests wait for. */
export const CONTEXT: LinkContext = {
  link: 'bob',
  protocol: 2,
  precedence: true,
  onExpiry: 'random',
  timing: {
    intervalMs: INTERVAL_DEFAULT_MS,
    maxKeyAgeMs: INTERVAL_DEFAULT_MS * MAX_KEY_AGE_INTERVALS,
  },
  lookahead: 3,
  chain: { id: 'a1', epoch: 1 },
  exchange: {
    id: 'b1',
    role: 'responder',
    opening: 'rotate',
    chain: 'a1',
    epoch: 2,
    keyId: 'k2',
    waiting: ['a request that waits', 'another'],
    reserved: ['k2'],
  },
  lastCommit: { exchange: 'a1', keyId: 'k1', role: 'initiator' },
  reserved: ['k3'],
  refillFailed: false,
  isDue: false,
  finished: [],
  failures: 0,
  tries: 0,
  jitter: 0,
  paceMs: 0,
};

/** Of every event, of every outcome, what the machine reads. */
export const LINK_AT_WORK = {
  context: CONTEXT,
  event: {
    type: 'peer.acked',
    request: REQUEST,
    exchange: 'b1',
    keyId: 'k2',
    proof: 'valid',
    output: { type: 'delivered', keyId: 'k2' },
  },
} as const;
