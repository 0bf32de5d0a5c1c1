/**
 * Asks the peer what it runs and how it is set, for the daemon and for `qupskd doctor`.
 *
 * A peer that knows no such link is asked once more in its own name: who answers that with proof has
 * the two SAE IDs the other way round. Strangers are told nothing by it that they could not see
 * before, for the peer answers nothing but what it always answers.
 *
 * Source: docs/protocol.md, "Hello".
 */
import { randomUUID } from 'node:crypto';
import type { HelloCaller } from '../peer/caller.ts';
import type { HelloFacts } from '../peer/hello-message.ts';
import type { PeerAnswer } from './findings.ts';

/**
 * Says hello.
 *
 * @param isDaemon - see Hello
 */
export async function askPeer(
  caller: HelloCaller,
  facts: HelloFacts,
  isDaemon: boolean,
  signal: AbortSignal,
): Promise<PeerAnswer> {
  const answer = await caller.sayHello(
    { nonce: randomUUID(), isDaemon, facts },
    'this end',
    signal,
  );
  if (answer.type !== 'unproven' || answer.code !== 'unknown_link') return answer;
  const asOther = { nonce: randomUUID(), isDaemon: false, facts };
  const other = await caller.sayHello(asOther, 'the other end', signal);
  return other.type === 'told' ? { type: 'swapped' } : answer;
}
