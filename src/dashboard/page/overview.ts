/** All links at a glance: a table with a row for each, which stays while what is in it changes. */
import type { LinkReport } from '../../status/report.ts';
import { byId, make, setClass, setText } from './dom.ts';
import { kmeWords, seconds, sinkWords, stockWords, TONES } from './format.ts';

/** From here on the age of a PSK is worth a look. */
const AGE_WARNED = 0.8;

/** How old a PSK is, as a bar and in words. */
export class AgeMeter {
  readonly element = make('div', { class: 'age' });
  readonly #bar = make('div');
  readonly #meter = make(
    'div',
    { class: 'meter', role: 'meter', 'aria-label': 'Age of the PSK' },
    this.#bar,
  );
  readonly #words = make('span');

  constructor() {
    this.element.append(this.#meter, this.#words);
  }

  /** @param passedMs - since the report */
  show({ psk }: LinkReport, passedMs: number): void {
    const ageMs = psk.ageMs === null ? null : psk.ageMs + passedMs;
    const share = ageMs === null ? 1 : Math.min(1, ageMs / psk.maxKeyAgeMs);
    const isBad = share >= 1 || psk.state === 'expired' || psk.state === 'none';
    const text =
      ageMs === null ? 'none agreed' : `${seconds(ageMs)} of ${seconds(psk.maxKeyAgeMs)}`;
    setText(this.#words, psk.state === 'expired' ? `expired, ${text}` : text);
    setClass(this.#meter, `meter ${isBad ? 'bad' : share >= AGE_WARNED ? 'warn' : 'good'}`);
    this.#bar.style.width = `${share * 100}%`;
    for (const [name, value] of [
      ['aria-valuemin', '0'],
      ['aria-valuemax', String(psk.maxKeyAgeMs / 1_000)],
      ['aria-valuenow', String(Math.round((share * psk.maxKeyAgeMs) / 1_000))],
      ['aria-valuetext', text],
    ] as const) {
      this.#meter.setAttribute(name, value);
    }
  }
}

/** When this end opens the next exchange. */
export function rotationWords({ rotation, exchange }: LinkReport, passedMs: number): string {
  if (exchange !== null) return 'under way';
  if (rotation.nextInMs === null) return 'not set';
  const leftMs = rotation.nextInMs - passedMs;
  return leftMs <= 0 ? 'now' : `in ${seconds(leftMs)}`;
}

class Row {
  readonly element = make('tr');
  readonly button = make('button', { type: 'button', 'aria-pressed': 'false' });
  readonly #verdict = make('span');
  readonly #age = new AgeMeter();
  readonly #cells = ['state', 'epoch', 'next', 'sinks', 'kme', 'stock'].map((name) =>
    make('td', { 'data-cell': name, ...(name === 'epoch' ? { class: 'number' } : {}) }),
  );

  constructor(name: string, select: (name: string) => void) {
    const [state, epoch, ...rest] = this.#cells;
    this.button.textContent = name;
    this.button.addEventListener('click', () => select(name));
    this.element.append(
      make('th', { scope: 'row' }, this.button),
      make('td', {}, this.#verdict),
      state ?? '',
      epoch ?? '',
      make('td', {}, this.#age.element),
      ...rest,
    );
  }

  show(link: LinkReport, passedMs: number): void {
    setText(this.#verdict, link.verdict);
    setClass(this.#verdict, `verdict ${TONES[link.verdict]}`);
    this.#age.show(link, passedMs);
    const sinks = sinkWords(link);
    const kme = kmeWords(link.kme);
    const values = [
      { text: link.state, tone: 'mono' },
      { text: String(link.chain?.epoch ?? '–'), tone: 'number' },
      { text: rotationWords(link, passedMs), tone: '' },
      sinks,
      kme,
      { text: stockWords(link.kme), tone: '' },
    ];
    for (const [index, { text, tone }] of values.entries()) {
      const cell = this.#cells[index];
      if (cell === undefined) continue;
      setText(cell, text);
      setClass(cell, tone);
    }
  }
}

export class Overview {
  readonly #rows = new Map<string, Row>();
  readonly #select: (name: string) => void;

  constructor(select: (name: string) => void) {
    this.#select = select;
  }

  show(links: readonly LinkReport[], selected: string | null, passedMs: number): void {
    const names = links.map(({ name }) => name);
    for (const [name, { element }] of this.#rows) {
      if (names.includes(name)) continue;
      element.remove();
      this.#rows.delete(name);
    }
    for (const link of links) {
      const row = this.#rows.get(link.name) ?? this.#add(link.name);
      row.show(link, passedMs);
      row.button.setAttribute('aria-pressed', String(link.name === selected));
    }
  }

  #add(name: string): Row {
    const row = new Row(name, this.#select);
    this.#rows.set(name, row);
    byId('link-rows').append(row.element);
    return row;
  }
}
