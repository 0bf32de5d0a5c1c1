/** One link in full: what the report says of it, as terms and values. */
import type { LinkReport, LinkSinkReport } from '../../status/report.ts';
import { byId, make, setClass, setText } from './dom.ts';
import { bytes, clock, seconds, stockWords } from './format.ts';
import { AgeMeter, rotationWords } from './overview.ts';

interface Fact {
  readonly term: string;
  readonly text: string;
  readonly tone?: string;
}

export class Facts {
  readonly #age = new AgeMeter();
  #terms: readonly string[] = [];
  #values: readonly HTMLElement[] = [];

  /** @param passedMs - since the report */
  show(link: LinkReport, passedMs: number): void {
    const facts = factsOf(link, passedMs);
    const terms = facts.map(({ term }) => term);
    if (terms.join('\n') !== this.#terms.join('\n')) this.#lay(terms);
    for (const [index, { text, tone = '' }] of facts.entries()) {
      const value = this.#values[index];
      if (value === undefined) continue;
      setText(value, text);
      setClass(value, tone);
    }
    this.#age.show(link, passedMs);
  }

  #lay(terms: readonly string[]): void {
    this.#terms = terms;
    this.#values = terms.map(() => make('dd'));
    const pairs = terms.flatMap((term, index) => [make('dt', {}, term), this.#values[index] ?? '']);
    const age = [make('dt', {}, 'Age of the PSK'), make('dd', {}, this.#age.element)];
    byId('facts').replaceChildren(...age, ...pairs);
  }
}

function factsOf(link: LinkReport, passedMs: number): readonly Fact[] {
  const { lastCommit, chain, exchange, role, totals, kme, reserved, complaint } = link;
  return [
    {
      term: 'Rotation',
      text: `next ${rotationWords(link, passedMs)}, every ${seconds(link.rotation.intervalMs)}`,
    },
    ...(lastCommit === null
      ? []
      : [
          {
            term: 'Last commit',
            text: `${clock(lastCommit.at)} UTC, ${seconds(lastCommit.agoMs + passedMs)} ago`,
          },
          { term: 'key_ID', text: lastCommit.keyId, tone: 'mono' },
        ]),
    {
      term: 'Epoch',
      text: chain === null ? 'none' : `${chain.epoch} of chain ${chain.id.slice(0, 8)}`,
    },
    { term: 'Role', text: role ?? 'none' },
    ...(exchange === null
      ? []
      : [{ term: 'Exchange', text: `${exchange.id.slice(0, 8)}, ${exchange.opening}` }]),
    ...(complaint === null ? [] : [{ term: 'Complaint', text: complaint, tone: 'bad' }]),
    {
      term: 'Tunnel',
      text: `${link.tunnel.protection} for ${seconds(link.tunnel.sinceMs + passedMs)}`,
    },
    ...link.sinks.map((sink) => ({
      term: 'Sink',
      text: sinkText(sink, passedMs),
      tone: sink.state.startsWith('not') ? 'bad' : sink.state === 'in effect' ? 'good' : '',
    })),
    ...kme.kmes.map(({ url, code, inUse, retryInMs }) => ({
      term: inUse ? 'KME in use' : 'KME',
      text: `${url}: ${code === null ? 'in order' : code}${retryInMs === null ? '' : `, left alone for ${seconds(Math.max(0, retryInMs - passedMs))}`}`,
      tone: code === null ? 'good' : 'bad',
    })),
    { term: 'Stock', text: stockText(link) },
    { term: 'Laid by', text: `${reserved.length} keys` },
    {
      term: 'Since the start',
      text: `${totals.commits} commits, ${totals.failedExchanges} failed exchanges, ${totals.expiries} expiries, ${kme.keysDelivered} keys delivered, ${kme.keysWrittenOff} written off`,
    },
    {
      term: 'SAE IDs',
      text: `${link.localSaeId ?? '(none)'} and ${link.remoteSaeId}, protocol ${link.protocol}`,
    },
  ];
}

function sinkText(
  { label, state, sinceMs, sessionAgeMs, rxBytes, txBytes }: LinkSinkReport,
  passedMs: number,
): string {
  const session = sessionAgeMs === null ? '' : `, session ${seconds(sessionAgeMs + passedMs)} old`;
  const traffic =
    rxBytes === null || txBytes === null ? '' : `, ${bytes(rxBytes)} in, ${bytes(txBytes)} out`;
  return `${label}: ${state} for ${seconds(sinceMs + passedMs)}${session}${traffic}`;
}

function stockText({ kme }: LinkReport): string {
  const { ratePerHour, timeLeftS, paceMs } = kme.stock;
  return [
    stockWords(kme),
    ...(ratePerHour === null ? [] : [`${Math.round(ratePerHour)} new an hour`]),
    ...(timeLeftS === null ? [] : [`lasts ${seconds(timeLeftS * 1_000)}`]),
    ...(paceMs === 0 ? [] : [`slowed down to one key in ${seconds(paceMs)}`]),
  ].join(', ');
}

/** The errors of late, the newest first. */
export function showErrors({ errors }: LinkReport): void {
  const list = byId('errors');
  const items = errors.toReversed().map(({ level, at, count, message, code, reason, remedy }) => {
    const what = [message, code, reason].filter((part) => part !== null).join(': ');
    const times = count > 1 ? ` (${count} times)` : '';
    const words = make(
      'div',
      { class: level === 'error' ? 'bad' : 'warn' },
      `${clock(at)} ${what}${times}`,
    );
    return make('li', {}, words, ...(remedy === null ? [] : [make('div', {}, remedy)]));
  });
  const none = make('li', { class: 'quiet' }, 'None within the last hour.');
  const next = make('ul', {}, ...(items.length > 0 ? items : [none]));
  if (next.innerHTML !== list.innerHTML) list.replaceChildren(...next.childNodes);
}
