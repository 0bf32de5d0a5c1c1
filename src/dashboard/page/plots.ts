/** What the two plots show, and the tables that say the same. */
import type { HistoryPoint } from '../../status/recorder.ts';
import type { StockPoint } from '../messages.ts';
import { byId, make } from './dom.ts';
import { clock, duration } from './format.ts';
import { drawPlot, type MarkKind } from './plot.ts';
import { decades, median, ticksTo } from './scale.ts';

const MARKS: Readonly<Partial<Record<HistoryPoint['result'], MarkKind>>> = {
  committed: 'good',
  'laid-by': 'hollow',
  superseded: 'faint',
};

/** An exchange within less is drawn as that long: a logarithm needs it. */
const TOOK_MS_MIN = 1;

export function drawRotations(history: readonly HistoryPoint[]): void {
  const tookMs = history.map((point) => Math.max(TOOK_MS_MIN, point.tookMs));
  drawPlot(byId('rotations-plot'), {
    points: history.map(({ at, result, role, epoch }, index) => ({
      at,
      value: tookMs[index] ?? TOOK_MS_MIN,
      mark: MARKS[result] ?? 'bad',
      title: `${clock(at)} ${result} as ${role}${epoch === null ? '' : `, epoch ${epoch}`}, ${duration(tookMs[index] ?? 0)}`,
    })),
    ticks: decades(tookMs),
    tickLabel: duration,
    measure: Math.log10,
    isLine: false,
    summary: rotationWords(history),
    empty: 'No exchange has ended since the start.',
  });
  fillTable('rotations-details', () =>
    history.toReversed().map(({ at, result, role, epoch, tookMs }) => {
      const took = cell(duration(tookMs), 'number');
      return [
        cell(clock(at)),
        cell(result),
        cell(role),
        cell(epoch === null ? '' : String(epoch), 'number'),
        took,
      ];
    }),
  );
}

function rotationWords(history: readonly HistoryPoint[]): string {
  const committed = history.filter(({ result }) => result === 'committed');
  const laidBy = history.filter(({ result }) => result === 'laid-by').length;
  const failed = history.filter(({ result }) => MARKS[result] === undefined).length;
  const middle = duration(median(committed.map(({ tookMs }) => tookMs)));
  return [
    `${committed.length} committed (dots)${committed.length > 0 ? `, half of them within ${middle}` : ''}`,
    ...(laidBy > 0 ? [`${laidBy} laid by (circles)`] : []),
    `${failed} failed${failed > 0 ? ' (crosses)' : ''}`,
  ].join('; ');
}

export function drawStock(stock: readonly StockPoint[], max: number | null): void {
  const keys = stock.map((point) => point.keys);
  const last = stock.at(-1);
  // The value holds until now: the line goes on to it.
  const now = last === undefined ? [] : [{ ...last, at: new Date().toISOString() }];
  const least = Math.min(...keys);
  const words = `Now ${last?.keys}${max === null ? '' : ` of ${max}`}; between ${least} and ${Math.max(...keys)} since ${clock(stock[0]?.at ?? '')}`;
  drawPlot(byId('stock-plot'), {
    points: [...stock, ...now].map(({ at, keys: value }, index) => ({
      at,
      value,
      mark: index === stock.length ? 'good' : null,
      title: `${clock(at)} ${value} keys`,
    })),
    ticks: ticksTo(Math.max(...keys, 1)),
    tickLabel: String,
    measure: (value) => value,
    isLine: true,
    summary: words,
    empty: 'The KME has not told its stock.',
  });
  fillTable('stock-details', () =>
    stock.toReversed().map((point) => [cell(clock(point.at)), cell(String(point.keys), 'number')]),
  );
}

/** Only while somebody looks at it. */
function fillTable(id: string, rows: () => readonly (readonly HTMLElement[])[]): void {
  const details = byId(id);
  const body = details.querySelector('tbody');
  if (!details.hasAttribute('open')) body?.replaceChildren();
  else body?.replaceChildren(...rows().map((cells) => make('tr', {}, ...cells)));
}

function cell(text: string, kind = ''): HTMLElement {
  return make('td', kind === '' ? {} : { class: kind }, text);
}
