/** What a test has opened and what ends with it: servers, clients, connections. */

const endings: (() => unknown)[] = [];

/** Has something done by endAll, before what was asked for earlier. */
export function atEnd(end: () => unknown): void {
  endings.push(end);
}

/** For afterEach, or afterAll. */
export async function endAll(): Promise<void> {
  for (const end of endings.splice(0).reverse()) await end();
}
