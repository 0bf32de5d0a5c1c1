/**
 * The links of a daemon at this moment: one list for everybody who needs more than one of them.
 *
 * It is replaced as a whole, so that nobody sees half of a change. Starts and stops nothing.
 */
import type { LinkEffects } from './bind-link.ts';
import type { RunningLink } from './running-link.ts';

export class LinkSet {
  #links: ReadonlyMap<string, RunningLink> = new Map();

  /** In the order of the configuration. */
  get all(): readonly RunningLink[] {
    return [...this.#links.values()];
  }

  /** @param name - null for none */
  get(name: string | null): RunningLink | undefined {
    return this.#links.get(name ?? '');
  }

  /** @throws Error where there is no such link: no machine runs without its link */
  effectsOf(name: string): LinkEffects {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`there is no link ${name}`);
    return link.effects;
  }

  /** @param links - with different names */
  replace(links: readonly RunningLink[]): void {
    this.#links = new Map(links.map((link) => [link.config.name, link]));
  }
}
