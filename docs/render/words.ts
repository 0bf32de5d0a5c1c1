/**
 * How the document says what the machine says: events, guards, actions, sides, times.
 */
import type { LinkReply } from '../../machines/link.types.ts';
import { REQUEST } from './sample.ts';
import type { Action, State, Transition } from './walk.ts';

export type Side = 'initiator' | 'responder';

/** The side that a state is on, or the state around it; null: the same at both. */
export function sideOf(state: State): Side | null {
  return sideSaid(state) ?? (state.parent === null ? null : sideOf(state.parent));
}

/** The description begins with the side. */
function sideSaid({ description }: State): Side | null {
  const [, side] = /^(Initiator|Responder)\b/.exec(description) ?? [];
  return side === undefined ? null : (side.toLowerCase() as Side);
}

/** The first sentence where it names the side, and the rest of what is known and held. */
export function describe(state: State): { readonly side: string; readonly holds: string } {
  if (sideSaid(state) === null) return { side: '', holds: state.description };
  const [, side = '', holds = ''] = /^([^.]*)\.\s*(.*)$/.exec(state.description) ?? [];
  return { side, holds };
}

/** What happened: `getKey`, `getKey broke`, `KEY_TIMEOUT`; nothing for what happens by itself. */
export function triggerOf({ trigger: { kind, name } }: Transition): string {
  return kind === 'broken' ? `${name} broke` : name;
}

/** `getKey [isDelivered]`: what an edge of a diagram says. */
export function edgeLabel(transition: Transition): string {
  const guard = transition.guard === null ? '' : `[${transition.guard}]`;
  return [triggerOf(transition), guard].filter((part) => part !== '').join(' ');
}

/** An action with what matters of its parameters, in Markdown. */
export function actionWords({ name, params }: Action): string {
  if (name === 'answer') return answerWords(params as { requests: string[]; reply: LinkReply });
  if (name === 'alarm') return `\`alarm\` \`${(params as { reason: string }).reason}\``;
  return `\`${name}\``;
}

function answerWords({ requests, reply }: { requests: readonly string[]; reply: LinkReply }) {
  const all = requests.includes(REQUEST) ? '' : ' all that wait';
  const said = reply.type === 'refused' ? `refused \`${reply.code}\`` : reply.type;
  return `\`answer\`${all}: ${said}`;
}

/** The refusal that a transition answers with, if it does. */
export function refusalOf({ actions }: Transition): string | null {
  for (const { name, params } of actions) {
    if (name !== 'answer') continue;
    const { reply } = params as { readonly reply: LinkReply };
    if (reply.type === 'refused') return reply.code;
  }
  return null;
}

/** `250 ms`, `15 s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

/** Each text once, in the order of its first appearance. */
export function unique(texts: Iterable<string>): string[] {
  return [...new Set(texts)];
}
