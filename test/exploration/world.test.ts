/**
 * The exploration and the symbolic world of the transcripts play the daemon each by itself. Along
 * shortest paths to states all over the product, both must come to the same.
 */
import { expect, test } from '@jest/globals';
import { stateName } from '../../machines/state-name.ts';
import type { EndForm } from './model/forms.ts';
import { Product } from './model/product.ts';
import { END_NAMES, type EndName } from './model/symbols.ts';
import { DEFAULTS, type Exploration } from './options.ts';
import { type Player, play } from './player.ts';
import { Search } from './search.ts';

const STATES_MAX = 20_000;
const PATHS = 150;
const TIMEOUT_MS = 120_000;

const PRODUCTS: readonly (Partial<Exploration> & { readonly name: string })[] = [
  { name: 'protocol 2, two messages in flight', messagesMax: 2 },
  {
    name: 'protocol 2, ageing PSKs and failing sinks',
    ageing: 'any',
    bounds: { ...DEFAULTS.bounds, sinkFaults: 'any' },
  },
  {
    name: 'protocol 2, keys laid by that grow too old',
    lookahead: { alice: 2, bob: 1 },
    bounds: { ...DEFAULTS.bounds, ages: 'any' },
  },
  { name: 'protocol 1', protocol: 1, attacker: false },
];

test.each(PRODUCTS)(
  'both play the same: $name',
  (options) => {
    const search = new Search({ ...DEFAULTS, messagesMax: 1, ...options });
    search.run({ statesMax: STATES_MAX, secondsMax: TIMEOUT_MS / 1_000, stopAtFirst: false });
    for (let path = 0; path < PATHS; path += 1) {
      const state = Math.floor((path * search.store.count) / PATHS);
      const player = play(search, { id: 'W', what: '', state, move: null });
      expect(player.stopped).toBeNull();
      expect(seenInWorld(player)).toEqual(seenInProduct(search, state));
    }
  },
  TIMEOUT_MS,
);

/** What can be compared of an end, whatever the names in it. */
type Seen = Record<EndName, unknown>;

function seenInProduct(search: Search, state: number): Seen {
  const product = new Product();
  search.read(state, product);
  const [alice, bob] = ([0, 1] as const).map((end) => seenOfForm(search.forms.end(product, end)));
  return { alice, bob };
}

function seenOfForm({ up, state, agreement, chain, initiates, candidate, call }: EndForm): unknown {
  if (!up || state.snapshot === null) return 'down';
  const { psk, sinks } = state.snapshot.value;
  const { told, behind } = state.sink;
  return {
    states: { agreement, psk: stateName(psk), sinks: stateName(sinks) },
    holdsChain: chain >= 0,
    initiates,
    holdsCandidate: candidate !== null,
    reserved: state.keyring.reserved.length,
    takes: call === 'laid-by',
    sinkIsAgreed: told === 'agreed',
    sinkIsBehind: behind,
  };
}

function seenInWorld({ world }: Player): Seen {
  const [alice, bob] = END_NAMES.map((name) => {
    const { running, regions, context, keyring, sink, takes } = viewOf(world.ends[name]);
    if (!running) return 'down';
    return {
      states: regions,
      holdsChain: context?.chain != null,
      initiates: context?.exchange?.role === 'initiator',
      holdsCandidate: keyring.candidates.length > 0,
      reserved: keyring.reserved.length,
      takes,
      sinkIsAgreed: sink.agreedAtMs !== null,
      sinkIsBehind: sink.behind !== null,
    };
  });
  return { alice, bob };
}

function viewOf(end: Player['world']['ends'][EndName]) {
  const { running, keyring, sink } = end;
  return {
    running,
    keyring,
    sink,
    regions: running ? end.regions : null,
    context: running ? end.context : null,
    takes: end.take !== null,
  };
}
