/**
 * The symbols of the exploration, and the canonical form of whatever holds some of them.
 *
 * Exchange ids and key_IDs are symbols: all that anybody can do with one is to compare it. So two
 * things that differ by a renaming of symbols behave alike, and are one. Of an epoch only equality
 * with another epoch of the same chain, and being its successor, can be seen; so two things are
 * also one that differ by a shift of all epochs of a chain.
 */

export const END_NAMES = ['alice', 'bob'] as const;
export type EndName = (typeof END_NAMES)[number];

export const otherEnd = (end: EndName): EndName => (end === 'alice' ? 'bob' : 'alice');

/** The id of nothing: never drawn, equal to none that is, never renamed. */
export const NO_ID = '-';

/**
 * A PSK that was derived from the QKD key of this key_ID. The responder's derivation is the plain
 * one; `odd` is any derivation from other inputs or other bytes. Equal symbols are equal PSKs.
 * `0` is the PSK that protocol 1 starts from.
 */
export interface Psk {
  readonly key: string;
  readonly odd: boolean;
}

export const samePsk = (a: Psk | null, b: Psk | null): boolean =>
  a?.key === b?.key && a?.odd === b?.odd;

/** What a walk over a thing does with each symbol in it. */
export interface Renaming {
  readonly exchange: (id: string) => string;
  readonly key: (id: string) => string;
  /** Called after `exchange` was called for the chain. */
  readonly epoch: (chain: string, epoch: number) => number;
}

/** Rebuilds a thing with its symbols renamed, visiting them in a fixed order. */
export type Rename<Thing> = (thing: Thing, renaming: Renaming) => Thing;

export interface Canonical<Thing> {
  /** With the symbols `x1, x2, …` and `k1, k2, …` in the order of their first appearance. */
  readonly thing: Thing;
  /** What the canonical symbols were before, in order. */
  readonly exchanges: readonly string[];
  readonly keys: readonly string[];
  /** For each exchange what was taken off its epochs as a chain; null when it has none. */
  readonly shifts: readonly (number | null)[];
}

export const exchangeSymbol = (index: number): string => `x${index + 1}`;
export const keySymbol = (index: number): string => `k${index + 1}`;

/** Index of a canonical symbol, from 0. */
export const symbolIndex = (symbol: string): number => Number(symbol.slice(1)) - 1;

/** The canonical form of a thing. */
export function canonical<Thing>(thing: Thing, rename: Rename<Thing>): Canonical<Thing> {
  const exchanges = new Map<string, number | null>();
  const keys = new Set<string>();
  rename(
    thing,
    sparingNoId({
      exchange: (id) => {
        if (!exchanges.has(id)) exchanges.set(id, null);
        return id;
      },
      key: (id) => {
        keys.add(id);
        return id;
      },
      epoch: (chain, epoch) => {
        exchanges.set(chain, Math.min(exchanges.get(chain) ?? epoch, epoch));
        return epoch;
      },
    }),
  );
  const names = [...exchanges.keys()];
  const keyNames = [...keys];
  // Epoch 0, which only protocol 1 has, means something else than every other: it stays.
  const shifts = [...exchanges.values()].map((least) => least && Math.max(0, least - 1));
  const renamed = rename(
    thing,
    sparingNoId({
      exchange: (id) => exchangeSymbol(names.indexOf(id)),
      key: (id) => keySymbol(keyNames.indexOf(id)),
      epoch: (chain, epoch) => epoch - (shifts[names.indexOf(chain)] ?? 0),
    }),
  );
  return { thing: renamed, exchanges: names, keys: keyNames, shifts };
}

/** Puts other symbols, and higher epochs, into a thing in canonical form. */
export function instantiate<Thing>(
  thing: Thing,
  rename: Rename<Thing>,
  symbols: {
    readonly exchanges: readonly string[];
    readonly keys: readonly string[];
    readonly shifts: readonly number[];
  },
): Thing {
  const at = <Item>(list: readonly Item[], index: number): Item => {
    const item = list[index];
    if (item === undefined) throw new Error('a symbol is missing');
    return item;
  };
  return rename(
    thing,
    sparingNoId({
      exchange: (id) => at(symbols.exchanges, symbolIndex(id)),
      key: (id) => at(symbols.keys, symbolIndex(id)),
      epoch: (chain, epoch) => epoch + at(symbols.shifts, symbolIndex(chain)),
    }),
  );
}

function sparingNoId({ exchange, key, epoch }: Renaming): Renaming {
  return {
    exchange: (id) => (id === NO_ID ? id : exchange(id)),
    key: (id) => (id === NO_ID ? id : key(id)),
    epoch: (chain, value) => (chain === NO_ID ? value : epoch(chain, value)),
  };
}
