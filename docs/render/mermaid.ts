/**
 * The five states as Mermaid, which GitHub draws by itself. All states together are beyond it; they
 * are drawn by Graphviz (dot.ts).
 */
import { type Edge, edgesOfFive, FIVE, IDLE } from './edges.ts';
import type { State } from './walk.ts';

/** One arrow from one state to another, whoever makes the step. */
export function fiveStates(): string {
  const edges = edgesOfFive().map((edge) =>
    edge.side === 'back' ? { ...edge, labels: ['given up'] } : edge,
  );
  // Mermaid lays out along the arrows that come first: those of an exchange.
  const ordered = [
    ...edges.filter(({ side }) => side === 'initiator' || side === 'responder'),
    ...edges.filter(({ side }) => side === 'back' || side === null),
  ];
  const pairs = new Map<string, Edge[]>();
  for (const edge of ordered) {
    const pair = `${idOf(edge.from)} --> ${idOf(edge.to)}`;
    pairs.set(pair, [...(pairs.get(pair) ?? []), edge]);
  }
  const lines = [
    ...FIVE.map((state) => `state "${state.name}" as ${idOf(state)}`),
    `[*] --> ${idOf(IDLE)}`,
    ...[...pairs].map(
      ([pair, alike]) => `${pair} : ${alike.flatMap(({ labels }) => labels).join('<br>')}`,
    ),
  ];
  return ['stateDiagram-v2', ...lines.map((line) => `    ${line}`)].join('\n');
}

/** Mermaid takes no hyphen in a name. */
function idOf({ name }: State): string {
  return name.replace(/\W/g, '_');
}
