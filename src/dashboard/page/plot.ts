/** The plots: points over time, drawn as SVG, with a sentence that says the same. */
import { make, makeSvg } from './dom.ts';
import { clock } from './format.ts';
import { linear, spread } from './scale.ts';

const HEIGHT = 190;
const LEFT = 52;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;
const WIDTH_MIN = 280;
/** One label of the time takes as much. */
const TIME_LABEL_WIDTH = 110;
const MARK = 3.5;

export type MarkKind = 'good' | 'hollow' | 'bad' | 'faint';

export interface Point {
  readonly at: string;
  readonly value: number;
  /** null: a point of the line, without a mark of its own. */
  readonly mark: MarkKind | null;
  readonly title: string;
}

export interface Plot {
  readonly points: readonly Point[];
  readonly ticks: readonly number[];
  readonly tickLabel: (value: number) => string;
  /** What the axis measures in its own way, such as a logarithm. */
  readonly measure: (value: number) => number;
  /** Joins the points, each value holding until the next. */
  readonly isLine: boolean;
  /** The sentence. */
  readonly summary: string;
  /** What stands in the place of a plot without points. */
  readonly empty: string;
}

/** Draws into a box, in the place of what was in it. */
export function drawPlot(box: HTMLElement, plot: Plot): void {
  if (plot.points.length === 0) {
    box.replaceChildren(make('p', { class: 'quiet' }, plot.empty));
    return;
  }
  const width = Math.max(WIDTH_MIN, box.clientWidth);
  const svg = makeSvg('svg', {
    viewBox: `0 0 ${width} ${HEIGHT}`,
    height: HEIGHT,
    role: 'img',
    'aria-label': plot.summary,
  });
  const times = plot.points.map(({ at }) => Date.parse(at));
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
  const x = linear([first, last], [LEFT, width - RIGHT]);
  const measured = plot.ticks.map(plot.measure);
  const range = [Math.min(...measured), Math.max(...measured)] as const;
  const scale = linear(range, [HEIGHT - BOTTOM, TOP]);
  const y = (value: number): number => scale(plot.measure(value));
  const count = Math.max(2, Math.floor((width - LEFT) / TIME_LABEL_WIDTH));
  svg.append(...yAxis(plot, y, width), ...xAxis(spread(first, last, count), x));
  const places = plot.points.map((point, index) => ({
    point,
    px: x(times[index] ?? 0),
    py: y(point.value),
  }));
  if (plot.isLine) svg.append(stepLine(places));
  for (const { point, px, py } of places) {
    if (point.mark !== null) svg.append(markOf(point.mark, point.title, px, py));
  }
  box.replaceChildren(svg, make('p', { class: 'legend' }, plot.summary));
}

function yAxis(
  { ticks, tickLabel }: Plot,
  y: (value: number) => number,
  width: number,
): SVGElement[] {
  return ticks.flatMap((tick) => [
    makeSvg('line', { class: 'axis', x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
    makeSvg('text', { x: LEFT - 6, y: y(tick) + 4, 'text-anchor': 'end' }, tickLabel(tick)),
  ]);
}

function xAxis(times: readonly number[], x: (time: number) => number): SVGElement[] {
  return times.map((time, index) => {
    const anchor = index === 0 ? 'start' : index === times.length - 1 ? 'end' : 'middle';
    const label = clock(new Date(time).toISOString());
    return makeSvg('text', { x: x(time), y: HEIGHT - 6, 'text-anchor': anchor }, label);
  });
}

function stepLine(places: readonly { readonly px: number; readonly py: number }[]): SVGElement {
  const [start, ...rest] = places;
  const steps = rest.map(({ px, py }) => `H${px}V${py}`).join('');
  return makeSvg('path', { class: 'line', d: `M${start?.px} ${start?.py}${steps}` });
}

/** What failed has another shape as well as another colour. */
function markOf(kind: MarkKind, title: string, x: number, y: number): SVGElement {
  const words = makeSvg('title', {}, title);
  if (kind !== 'bad')
    return makeSvg('circle', { class: `mark ${kind}`, cx: x, cy: y, r: MARK }, words);
  const [l, r, t, b] = [x - MARK, x + MARK, y - MARK, y + MARK];
  return makeSvg(
    'path',
    { class: 'mark bad', d: `M${l} ${t}L${r} ${b}M${l} ${b}L${r} ${t}` },
    words,
  );
}
