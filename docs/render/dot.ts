/**
 * The pictures of docs/ in Graphviz's language: the five states, all states, the small regions.
 *
 * States and edges come from the walk; only the arrangement is decided here.
 */
import {
  COMMITTED,
  DISTINCT,
  type Edge,
  edgesOfAll,
  edgesOfFive,
  edgesOfRegion,
  FIVE,
  IDLE,
  topOf,
} from './edges.ts';
import { twinOf } from './twins.ts';
import { entered, regionOf, type State } from './walk.ts';
import { type Side, sideOf } from './words.ts';

const INK = {
  initiator: '#1f5fa8',
  responder: '#b4530a',
  back: '#666666',
  none: '#333333',
} as const;
const PAPER = { initiator: '#dbe9fa', responder: '#fde3c8', none: '#f6f6f6' } as const;
const LANE = { initiator: '#f3f8fe', responder: '#fff8f0' } as const;
const FRAME = '#b5b5b5';
const FONT = 'fontname="Arial"';

const GRAPH = `bgcolor="white" ${FONT} fontsize=14 newrank=true compound=true pad=0.1`;
const NODE = `shape=box style="rounded,filled" ${FONT} fontsize=13 height=0.35 margin="0.16,0.07"`;
const EDGE = `${FONT} fontsize=10 arrowsize=0.7`;

/** Blanks make a frame wider than what is inside of it, so that arrows pass beside its title. */
const TITLE_LENGTH = 34;

/** The box below that stands for the state in which an exchange ends well. */
const BELOW = 'below';

/** The five states of the protocol. */
export function fiveStates(): string {
  return graph('The five states of a link', 'rankdir=TB nodesep=1.1 ranksep=0.6', [
    ...FIVE.map((state) => box(state, 'fontsize=15 height=0.5 margin="0.25,0.1"')),
    ...edgesOfFive().map(({ labels, ...edge }) => {
      const ends = { tail: edge.from.name, head: edge.to.name };
      return arrow({ ...edge, labels: edge.side === 'back' ? [] : labels }, ends);
    }),
    beginning(IDLE),
    ...FIVE.filter((state) => twinOf(state) !== state).map((state) =>
      sameRank([state, twinOf(state)]),
    ),
  ]);
}

/** All states of the agreement: the initiator's at the left, the responder's at the right. */
export function allStates(): string {
  const edges = edgesOfAll();
  return graph('All states of the agreement', 'rankdir=TB nodesep=0.35 ranksep=0.4', [
    beginning(IDLE),
    ...DISTINCT.map((state) => (state.children.length > 0 ? frame(state, edges) : box(state))),
    `${BELOW} [label=${quote(COMMITTED.key)} style="rounded,dashed"]`,
    ...joinAlike(edges.filter(({ to }) => to !== IDLE)),
    ...edges
      .filter((edge) => isThereAndBack(edge, edges))
      .map(({ from, to }) => sameRank([from, to])),
  ]);
}

/** The age of the PSK, and the sinks. */
export function smallRegions(): string {
  const parts = ['psk', 'sinks'].map(regionOf).map((region) => {
    const any = `any ${region.name}`;
    return cluster(region.name, region.name, `style=rounded color="${FRAME}" labeljust=l`, [
      `${quote(any)} [label="any of these" style="rounded,dashed" fontsize=11]`,
      ...region.children.map((state) =>
        boxes(state, ({ entry }) => entry.map(({ name }) => `on entry: ${name}`)),
      ),
      beginning(entered(region)),
      ...edgesOfRegion(region).map((edge) =>
        edge.from === region ? arrow(edge, { tail: any }) : arrow(edge),
      ),
    ]);
  });
  return graph('The age of the PSK, and the sinks', 'rankdir=LR nodesep=0.3 ranksep=0.4', parts);
}

function graph(title: string, layout: string, parts: readonly string[]): string {
  const defaults = [`graph [${GRAPH} ${layout}]`, `node [${NODE}]`, `edge [${EDGE}]`];
  return [`digraph ${quote(title)} {`, ...defaults, ...parts, '}'].join('\n');
}

function cluster(name: string, title: string, style: string, parts: readonly string[]): string {
  const head = `subgraph ${quote(`cluster ${name}`)} { label=${quote(title)} ${style}`;
  return [head, ...parts, '}'].join('\n');
}

/** A state with its states inside, a lane for each side. */
function frame(state: State, edges: readonly Edge[]): string {
  const alike = FIVE.filter((other) => other !== state && twinOf(other) === state);
  const title = [state, ...alike].map(({ key }) => key).join(', ');
  const boxesOf = (side: Side | null) =>
    state.children
      .filter((child) => sideOf(child) === side)
      .map((child) => boxes(child, (each) => exitsOf(each, edges)));
  const lanes = (['initiator', 'responder'] as const).map((side) => {
    const colours = `fontcolor="${INK[side]}" style="rounded,filled" color="${LANE[side]}"`;
    const style = `${colours} fontsize=11 labelloc=b labeljust=r`;
    const boxes = boxesOf(side);
    const label = side.padStart(TITLE_LENGTH);
    return boxes.length === 0 ? '' : cluster(`${state.name} ${side}`, label, style, boxes);
  });
  const both = boxesOf(null);
  const style = `style=rounded color="${FRAME}"`;
  return both.length > 0
    ? cluster(state.name, title.padEnd(TITLE_LENGTH), `${style} labeljust=l`, both)
    : cluster(state.name, title, style, lanes);
}

function box(state: State, more = ''): string {
  const side = sideOf(state) ?? 'none';
  const colours = `color="${INK[side]}" fillcolor="${PAPER[side]}"`;
  return `${quote(state.name)} [label=${quote(state.key)} ${colours} ${more}]`;
}

/** The ways to `idle` stand inside of the box: as arrows they would cover the picture. */
function exitsOf(state: State, edges: readonly Edge[]): readonly string[] {
  const exits = edges.filter(({ from, to }) => from === state && to === IDLE);
  return exits.flatMap(({ labels }) => [`to ${IDLE.key}:`, ...labels]);
}

/** A state, or a frame around those inside of it. */
function boxes(state: State, linesOf: (state: State) => readonly string[]): string {
  if (state.children.length === 0) return listBox(state, linesOf(state));
  const title = [state.key, ...linesOf(state)].join('\n');
  const style = `style=rounded color="${INK[sideOf(state) ?? 'none']}" fontsize=11 labelloc=t labeljust=r`;
  const inner = state.children.map((child) => boxes(child, linesOf));
  return cluster(state.name, title, style, inner);
}

function listBox(state: State, lines: readonly string[]): string {
  if (lines.length === 0) return box(state);
  const side = sideOf(state) ?? 'none';
  const list = lines.map((line) => `${escapeHtml(line)}<br align="left"/>`).join('');
  const small = `<font point-size="10" color="${INK.back}">${list}</font>`;
  const style = 'style="rounded" border="1" cellborder="0" cellspacing="0" cellpadding="5"';
  const label = [
    `<table ${style} color="${INK[side]}" bgcolor="${PAPER[side]}">`,
    `<tr><td>${state.key}</td></tr><hr/>`,
    `<tr><td align="left" balign="left">${small}</td></tr></table>`,
  ].join('');
  // One group is one column.
  return `${quote(state.name)} [shape=plain style="" group=${side} label=<${label}>]`;
}

function beginning(state: State): string {
  const point = quote(`beginning of ${state.name}`);
  const shape = 'shape=circle style=filled label="" width=0.12 height=0.12';
  return `${point} [${shape} fillcolor="${INK.none}"]\n${point} -> ${quote(state.name)}`;
}

/** Edges that say the same and lead to one place meet in a point, so that it is said once. */
function joinAlike(edges: readonly Edge[]): string[] {
  const keyOf = ({ to, labels }: Edge): string => [to.name, ...labels].join('\n');
  return [...new Set(edges.map(keyOf))].flatMap((key, index) => {
    const alike = edges.filter((edge) => keyOf(edge) === key);
    const [first] = alike;
    if (first === undefined || alike.length === 1) return alike.map((edge) => arrow(edge));
    const point = `junction ${index}`;
    return [
      `${quote(point)} [shape=point width=0.06 color="${INK[first.side ?? 'none']}"]`,
      ...alike.map((edge) => arrow({ ...edge, labels: [] }, { head: point }, 'arrowhead=none')),
      arrow(first, { tail: point }, 'weight=10'),
    ];
  });
}

/** An arrow between two states, or between what stands for them. */
function arrow(
  { from, to, side, labels }: Edge,
  { tail, head }: { readonly tail?: string; readonly head?: string } = {},
  more = '',
): string {
  const ink = INK[side ?? 'none'];
  const lines = labels.map((label) => `  ${label}  \\l`).join('');
  const attributes = [
    `color="${ink}" fontcolor="${ink}" label="${lines}"`,
    side === 'back' ? 'style=dashed' : '',
    // Graphviz draws from a state inside and cuts at the frame.
    tail === undefined && from.children.length > 0 ? `ltail=${quote(`cluster ${from.name}`)}` : '',
    more,
  ];
  const start = tail ?? entered(from).name;
  const isCommit = topOf(to) === COMMITTED && sideOf(from) !== null;
  const end = head ?? (isCommit ? BELOW : entered(to).name);
  return `${quote(start)} -> ${quote(end)} [${attributes.filter(Boolean).join(' ')}]`;
}

/** To a state that waits, and back again. */
function isThereAndBack({ from, to }: Edge, edges: readonly Edge[]): boolean {
  return from.parent === to.parent && edges.some((back) => back.from === to && back.to === from);
}

function sameRank(states: readonly State[]): string {
  return `{ rank=same; ${states.map(({ name }) => quote(name)).join('; ')} }`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
