/**
 * The shortest path to a state: its moves, found again by stepping from each state to the next.
 */
import type { Move } from './model/moves.ts';
import { Product } from './model/product.ts';
import type { Found, Search } from './search.ts';

/** Sees each move of a path, with the states around it; both are overwritten by the next. */
export type Follow = (move: Move, before: Product, next: Product) => void;

/** Follows the path to a violation, its last move included. */
export function followPath(search: Search, { state, move }: Found, follow: Follow): void {
  const path = pathTo(search, state);
  for (let i = 1; i < path.length; i += 1) {
    const child = path[i] as number;
    step(
      search,
      path[i - 1] as number,
      (_, packed) => search.store.equals(child, ...packed),
      follow,
    );
  }
  if (move !== null) step(search, state, (candidate) => isSameMove(candidate, move), follow);
}

function pathTo(search: Search, state: number): number[] {
  const path = [state];
  for (let index = state; index !== 0; ) {
    index = search.store.parentOf(index);
    path.unshift(index);
  }
  return path;
}

function step(
  search: Search,
  state: number,
  isIt: (move: Move, packed: [Uint8Array, number]) => boolean,
  follow: Follow,
): void {
  const before = new Product();
  search.read(state, before);
  let found = false;
  search.moves.visit(before, (move, next) => {
    if (found) return;
    search.folding.fold(next);
    search.packing.pack(next);
    if (!isIt(move, [search.packing.bytes, search.packing.length])) return;
    found = true;
    follow(move, before, next);
  });
  if (!found) throw new Error('a state of the path has no move to the next');
}

function isSameMove(a: Move, b: Move): boolean {
  return a.kind === b.kind && a.end === b.end && a.detail === b.detail && a.message === b.message;
}
