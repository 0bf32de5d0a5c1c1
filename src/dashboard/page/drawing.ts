/**
 * The drawings of the machine: finds a state by the name that its shape carries, and lights it.
 *
 * States that are the same inside are drawn once, in a frame that names both: `requesting, rotating`.
 */
import type { Move } from '../messages.ts';

/** How long a transition stays marked. */
const TAKEN_MS = 1_500;

type Drawing = 'five' | 'all' | 'small';

export class Machine {
  /** By drawing and name; the two roles have an arrow each between the same states. */
  readonly #shapes = new Map<string, Element[]>();
  /** The first name in a frame, by each of its names. */
  readonly #twins = new Map<string, string>();
  readonly #roots: readonly SVGElement[];
  #lit: readonly Element[] = [];

  constructor(page: Document) {
    this.#roots = [...page.querySelectorAll<SVGElement>('svg.drawing')];
    for (const root of this.#roots) {
      for (const shape of root.querySelectorAll('g.node, g.edge, g.cluster'))
        this.#add(root, shape);
    }
  }

  /** Lights where a link is. */
  light({ agreement, psk, sinks }: Record<Move['region'], string>): void {
    const name = this.#drawnName(agreement);
    const parts = name.split('.');
    const around = parts
      .slice(1, -1)
      .map((_, index) => `cluster ${parts.slice(0, index + 2).join('.')}`);
    const now = [
      this.#shape('five', agreement.split('.')[0] ?? ''),
      this.#shape('all', name),
      ...around.map((frame) => this.#shape('all', frame)),
      this.#shape('small', `psk.${psk}`),
      this.#shape('small', `sinks.${sinks}`),
    ].filter((shape) => shape !== undefined);
    for (const shape of this.#lit) if (!now.includes(shape)) shape.classList.remove('lit');
    for (const shape of now) shape.classList.add('lit');
    this.#lit = now;
    const words = `${agreement}; PSK ${psk}; sinks ${sinks}`;
    for (const root of this.#roots) root.setAttribute('aria-label', `Present state: ${words}`);
  }

  /** Marks a transition for a moment. */
  take({ region, from, to, event }: Move): void {
    const [start, end] = [from, to].map((state) => state.split('.')[0]);
    const drawn = [this.#drawnName(from), this.#drawnName(to)];
    const edges =
      region === 'agreement'
        ? [
            this.#edge('five', `${start}->${end}`, event),
            this.#edge('all', drawn.join('->'), event),
          ]
        : [this.#edge('small', `${region}.${from}->${region}.${to}`, event)];
    for (const edge of edges) {
      edge?.classList.add('taken');
      setTimeout(() => edge?.classList.remove('taken'), TAKEN_MS);
    }
  }

  #add(root: SVGElement, shape: Element): void {
    const name = shape.querySelector('title')?.textContent ?? '';
    const key = `${root.dataset['drawing']} ${name}`;
    this.#shapes.set(key, [...(this.#shapes.get(key) ?? []), shape]);
    const [first, ...others] = (shape.querySelector('text')?.textContent ?? '').split(', ');
    if (!name.startsWith('cluster ') || first === undefined) return;
    for (const other of others) this.#twins.set(other.trim(), first.trim());
  }

  #shape(drawing: Drawing, name: string): Element | undefined {
    return this.#shapes.get(`${drawing} ${name}`)?.[0];
  }

  /** Of several arrows the one whose label has the event; some labels have conditions alone. */
  #edge(drawing: Drawing, name: string, event: string): Element | undefined {
    const edges = this.#shapes.get(`${drawing} ${name}`) ?? [];
    const says = (edge: Element, words: string): boolean =>
      edge.textContent?.includes(words) ?? false;
    const labelled = edges.find((edge) => says(edge, event));
    return labelled ?? edges.find((edge) => !says(edge, 'peer.'));
  }

  #drawnName(state: string): string {
    const [top = '', ...inner] = state.split('.');
    return [this.#twins.get(top) ?? top, ...inner].join('.');
  }
}
