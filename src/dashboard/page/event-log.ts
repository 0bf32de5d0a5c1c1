/** The log of events: the newest first, of one link or of all, with or without every step. */
import type { LogEntry } from '../messages.ts';
import { byId, make } from './dom.ts';
import { clock } from './format.ts';

const KEPT_MAX = 400;
const SHOWN_MAX = 200;
/** Between two things that a screen reader says. */
const SPOKEN_SPACING_MS = 3_000;

export class EventLog {
  #entries: LogEntry[] = [];
  #selected: string | null = null;
  #unspoken: string[] = [];
  readonly #onlyLink = byId('only-link') as HTMLInputElement;
  readonly #everyStep = byId('every-step') as HTMLInputElement;

  constructor() {
    for (const box of [this.#onlyLink, this.#everyStep]) {
      box.addEventListener('change', () => this.#redraw());
    }
  }

  /** Takes the place of what was there. */
  reset(entries: readonly LogEntry[]): void {
    this.#entries = [...entries];
    this.#redraw();
  }

  add(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    this.#entries = [...this.#entries, ...entries].slice(-KEPT_MAX);
    const list = byId('log');
    for (const entry of entries) if (this.#isShown(entry)) list.prepend(itemOf(entry));
    while (list.childElementCount > SHOWN_MAX) list.lastElementChild?.remove();
    for (const { kind, link, text } of entries)
      if (kind === 'verdict') this.#speak(`${link} ${text}`);
  }

  select(link: string): void {
    this.#selected = link;
    if (this.#onlyLink.checked) this.#redraw();
  }

  #redraw(): void {
    const shown = this.#entries.filter((entry) => this.#isShown(entry)).slice(-SHOWN_MAX);
    byId('log').replaceChildren(...shown.reverse().map(itemOf));
  }

  #isShown({ link, tone }: LogEntry): boolean {
    if (tone === 'step' && !this.#everyStep.checked) return false;
    return !this.#onlyLink.checked || link === this.#selected;
  }

  /** What a screen reader says is little: the changes of a verdict, several at once in one sentence. */
  #speak(words: string): void {
    this.#unspoken.push(words);
    if (this.#unspoken.length > 1) return;
    setTimeout(() => {
      const [first, ...others] = this.#unspoken;
      const more = others.length > 0 ? `, and ${others.length} more changes` : '';
      byId('news').textContent = `${first}${more}`;
      this.#unspoken = [];
    }, SPOKEN_SPACING_MS);
  }
}

function itemOf({ at, link, tone, text }: LogEntry): HTMLElement {
  const kind = tone === 'good' || tone === 'bad' ? tone : tone === 'step' ? 'quiet' : '';
  return make(
    'li',
    {},
    make('time', { class: 'quiet', datetime: at }, clock(at)),
    make('span', {}, link ?? '–'),
    make('span', { class: kind }, text),
  );
}
