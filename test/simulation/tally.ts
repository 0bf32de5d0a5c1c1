/** Counts what happened, by group and name. */

export type Counts = Readonly<Record<string, number>>;

export class Tally {
  readonly #groups = new Map<string, Map<string, number>>();

  count(group: string, name: string, by = 1): void {
    const counts = this.#groups.get(group) ?? new Map<string, number>();
    this.#groups.set(group, counts);
    counts.set(name, (counts.get(name) ?? 0) + by);
  }

  add(other: Tally): void {
    for (const [group, counts] of other.#groups) {
      for (const [name, by] of counts) this.count(group, name, by);
    }
  }

  /** Names in alphabetical order. */
  of(group: string): Counts {
    const counts = this.#groups.get(group) ?? new Map<string, number>();
    return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  total(group: string): number {
    return Object.values(this.of(group)).reduce((sum, count) => sum + count, 0);
  }
}
