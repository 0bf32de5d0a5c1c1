/**
 * Computes what no program ever shows: the chain keys of protocol 2, from the messages that two daemons
 * exchanged, the psk and the keys of their KME.
 */
import { type Derived, derive, firstChainKey } from '../../../src/psk/schedule-2.ts';
import type { Message } from '../proxy.ts';

/** What `/new` and `/rotate` and the answers to them say. */
interface Offered {
  readonly from: string;
  readonly to: string;
  readonly exchange: string;
  readonly chain: string;
  readonly epoch: number;
  readonly key_ID: string;
}

/**
 * Follows every chain through its commits.
 *
 * @param messages - between the two daemons, of one link
 * @returns what each commit derived
 */
export function derivedIn(
  messages: readonly Message[],
  { psk, keys }: { psk: string; keys: ReadonlyMap<string, Buffer> },
): readonly Derived[] {
  const granted = messages.filter(({ answer }) => answer?.status === 200).map(read);
  const acked = new Set(granted.filter(({ confirm }) => confirm).map(({ exchange }) => exchange));
  const offers = granted
    .filter((message): message is Offered => 'chain' in message && acked.has(message.exchange))
    .sort((a, b) => a.epoch - b.epoch);

  const bases = new Map<string, Buffer>();
  const seen = new Set<string>();
  const derived: Derived[] = [];
  for (const { from, to, exchange, chain, epoch, key_ID: keyId } of offers) {
    const key = keys.get(keyId);
    if (seen.has(exchange) || key === undefined) continue;
    seen.add(exchange);
    const base = bases.get(chain) ?? firstChainKey(Buffer.from(psk));
    const binding = { initiatorSaeId: from, responderSaeId: to, chain, epoch, exchange, keyId };
    const step = derive(base, key, binding);
    bases.set(chain, step.chainKey);
    derived.push(step);
  }
  return derived;
}

function read({
  body,
  answer,
}: Message): Partial<Offered> & { exchange: string; confirm?: string } {
  const texts = [body, answer?.body ?? Buffer.from('{}')].map((bytes) => bytes.toString());
  return Object.assign({}, ...texts.map((text) => JSON.parse(text) as object));
}
