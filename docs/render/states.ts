/**
 * The states and the transitions as tables.
 */
import { code, linkTo, table } from './markdown.ts';
import { twinOf } from './twins.ts';
import { LINK, type State, statesOf, type Transition } from './walk.ts';
import { actionWords, describe, unique } from './words.ts';

const ALL = statesOf(LINK);

/** What each end knows and holds. */
export function statesTable(): string {
  const rows = ALL.map((state) => {
    const section = sectionOf(state);
    if (section !== state) {
      return [code(state.name), '', `As ${linkTo(headingOf(section))}.`, '', '', ''];
    }
    const { side, holds } = describe(state);
    return [
      linkTo(headingOf(state), code(state.name)),
      side,
      holds,
      state.calls.map(({ name }) => code(name)).join(', '),
      timersOf(state).map(code).join(', '),
      state.clause ?? '',
    ];
  });
  return table(['state', 'side', 'what it knows and holds', 'calls', 'timers', 'source'], rows);
}

/** A section for each state, with its transitions in the order in which they are tried. */
export function stateSections(): string {
  return ALL.filter((state) => sectionOf(state) === state)
    .flatMap((state) => {
      const heading = `### ${headingOf(state)}`;
      const twin = twinOf(state);
      if (twin !== state) return [heading, `${state.description} ${likeItsTwin(twin)}`];
      const transitions = state.transitions.length === 0 ? [] : [tableOf(state)];
      return [heading, introduce(state), ...transitions];
    })
    .join('\n\n');
}

/** The states that a timer runs in. */
export function statesWith(timer: string): readonly string[] {
  const states = ALL.filter((state) => timersOf(state).includes(timer)).map(twinOf);
  return unique(states.map(({ name }) => name));
}

function timersOf({ transitions }: State): string[] {
  const timers = transitions.filter(({ trigger }) => trigger.kind === 'timer');
  return unique(timers.map(({ trigger }) => trigger.name));
}

/** What is inside of a twin has no section of its own. */
function sectionOf(state: State): State {
  const { parent } = state;
  return parent === null || twinOf(parent) === parent ? state : twinOf(state);
}

function headingOf(state: State): string {
  return state === LINK ? 'link, the machine itself' : state.name;
}

function likeItsTwin(twin: State): string {
  return `Inside it is the same as ${linkTo(twin.name)}, with its own states in their places.`;
}

function introduce(state: State): string {
  const { side, holds } = describe(state);
  const entry = state.entry.map(actionWords).join(', ');
  const sentences = [
    side === '' ? '' : `*${side}.*`,
    holds,
    state.initial === null ? '' : `It begins in ${linkTo(state.initial.name)}.`,
    entry === '' ? '' : `On entry: ${entry}.`,
    state.calls.length === 0
      ? ''
      : `While it lasts: ${state.calls.map(({ name }) => code(name)).join(', ')}.`,
    state.children.length > 0 && state.transitions.length > 0 ? 'Whatever the state inside:' : '',
  ];
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

function tableOf(state: State): string {
  return table(
    ['when', 'if', 'goes to', 'does', 'why'],
    state.transitions.map((transition) => [
      whenOf(transition),
      transition.guard === null ? '' : code(transition.guard),
      transition.to === null ? '' : linkTo(headingOf(sectionOf(transition.to)), transition.to.name),
      transition.actions.map(actionWords).join('; '),
      transition.description,
    ]),
  );
}

function whenOf({ trigger: { kind, name } }: Transition): string {
  if (kind === 'always') return 'at once';
  return kind === 'broken' ? `${code(name)} broke` : code(name);
}
