/**
 * How a KME answers the call that is under way to it.
 *
 * Source: ETSI GS QKD 014 V1.1.1, clauses 5.3 and 5.4. A key that was delivered leaves the KME,
 * whether its answer arrived or not.
 */
import type { KeyOutcome } from '../../../machines/link.slots.ts';
import type { KmeAnswer } from './commands.ts';
import type { CallUnderWay, End } from './end.ts';
import type { Engine } from './engine.ts';

type Handle = (engine: Engine, end: End, call: CallUnderWay) => KeyOutcome | null;

const NOT_DELIVERED = { type: 'not-delivered' } as const;
const LOST = { type: 'lost' } as const;

/** What comes of each answer; null where none comes. */
const ANSWERS: Readonly<Record<KmeAnswer, Handle>> = {
  ok: (engine, end, call) => {
    const keyId = takeKey(engine, end, call);
    return keyId === null ? NOT_DELIVERED : deliver(engine, end, call, keyId);
  },
  'not-yet': () => NOT_DELIVERED,
  '503': () => NOT_DELIVERED,
  '400': () => LOST,
  '401': () => LOST,
  loses: (engine, end, call) => {
    takeKey(engine, end, call);
    return LOST;
  },
  corrupts: (engine, end, call) => {
    const keyId = takeKey(engine, end, call);
    if (keyId === null) return NOT_DELIVERED;
    engine.kmes.corrupt(keyId, end.name);
    return deliver(engine, end, call, keyId);
  },
  stalls: (_engine, _end, call) => {
    call.stalled = true;
    return null;
  },
};

/** @throws Error when this end waits for no KME */
export function answerKme(engine: Engine, end: End, answer: KmeAnswer): void {
  const call = callToKme(end);
  if (call === null || end.take !== null) throw new Error(`${end.name} waits for no KME`);
  const outcome = ANSWERS[answer](engine, end, call);
  if (outcome === null) return;
  const said = 'keyId' in outcome ? `${outcome.type} ${outcome.keyId}` : outcome.type;
  const name = call.effect.name as 'getKey' | 'getKeyWithKeyIds';
  engine.finish(end, name, outcome, { outcome: said, message: null });
}

/** The call to the KME that is under way, Get key or Get key with key IDs. */
export function callToKme(end: End): CallUnderWay | null {
  return end.calls.get('getKey') ?? end.calls.get('getKeyWithKeyIds') ?? null;
}

/** Takes a key out of the KME: a new one, or the one that is asked for if it is there. */
function takeKey({ kmes }: Engine, end: End, { effect }: CallUnderWay): string | null {
  if (effect.name !== 'getKeyWithKeyIds') return kmes.make(end.name, end.other);
  const { keyId } = effect.input;
  return kmes.take(keyId, end.name) ? keyId : null;
}

/** The key is here: the candidate PSK is derived from it. */
function deliver(engine: Engine, end: End, { effect }: CallUnderWay, keyId: string): KeyOutcome {
  const bytes = engine.kmes.bytesOf(keyId, end.name);
  if (effect.name === 'getKey') end.keyring.derive(effect.input, bytes, end.other);
  if (effect.name === 'getKeyWithKeyIds') end.keyring.derive(effect.input, bytes, end.name);
  return { type: 'delivered', keyId };
}
