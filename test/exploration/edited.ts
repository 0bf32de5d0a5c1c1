/**
 * The production machine with places of its table changed: what a mutant is made of where replacing
 * a guard or a memory is not enough.
 */
import { linkSetup } from '../../machines/link.setup.ts';
import { type LinkMachine, linkMachine } from '../../machines/link.ts';

/**
 * The machine with its table changed, place by place. Functions in it are those of the original.
 */
export function edited(edit: (table: Table) => void): LinkMachine {
  const config = copied(linkMachine.config);
  edit(new Table(config));
  type Config = Parameters<typeof linkSetup.createMachine>[0];
  return linkSetup.createMachine(config as Config) as unknown as LinkMachine;
}

function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copied(inner)]));
}

/** A machine's config as data, by paths of keys with `/` between them. */
export class Table {
  readonly #config: unknown;

  constructor(config: unknown) {
    this.#config = config;
  }

  get(path: string): unknown {
    return path
      .split('/')
      .reduce<unknown>((node, key) => childrenOf(node, path)[key], this.#config);
  }

  put(path: string, value: unknown): void {
    const at = path.lastIndexOf('/');
    childrenOf(this.get(path.slice(0, at)), path)[path.slice(at + 1)] = value;
  }
}

function childrenOf(node: unknown, path: string): Record<string, unknown> {
  if (typeof node !== 'object' || node === null) throw new Error(`the table has no ${path}`);
  return node as Record<string, unknown>;
}
