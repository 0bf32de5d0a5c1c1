/** What is known of the peer by its hello, for who looks on. */
import type { HelloFacts } from '../peer/hello-message.ts';
import type { Finding } from './findings.ts';

export interface HelloReport {
  /** What the peer said of itself last, with proof; null: nothing so far. */
  readonly peer: HelloFacts | null;
  /** What does not fit, or only differs, at present. */
  readonly findings: readonly Finding[];
}
