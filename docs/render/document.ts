/**
 * docs/link.md as a whole: what stands in it, and in which order.
 */
import { conversations } from './conversations.ts';
import { FIVE } from './edges.ts';
import {
  actionsTable,
  alarmsTable,
  callsTable,
  eventsTable,
  outcomesTable,
  refusalsTable,
} from './events.ts';
import { code, fence, linkTo } from './markdown.ts';
import { fiveStates } from './mermaid.ts';
import { headerParagraph } from './source.ts';
import { stateSections, statesTable } from './states.ts';
import {
  guardsTable,
  innerActionsTable,
  limitsTable,
  memoryTable,
  relations,
  timersTable,
} from './terms.ts';
import { twinOf } from './twins.ts';

/** File names of the pictures, beside the document. */
export const PICTURES = {
  five: 'link.svg',
  all: 'link-states.svg',
  small: 'link-psk-and-sinks.svg',
} as const;

interface Section {
  readonly title: string;
  readonly parts: readonly string[];
}

/** The text of docs/link.md. */
export function document(): string {
  const sections = [
    pictures(),
    states(),
    events(),
    transitions(),
    guards(),
    timers(),
    slots(),
    refusals(),
    memory(),
    dialogues(),
  ];
  const body = sections.flatMap(({ title, parts }) => [`## ${title}`, ...parts]).join('\n\n');
  return `${[HEAD, contentsOf(body), body].join('\n\n')}\n`;
}

/** A line for each section, with its parts. */
function contentsOf(body: string): string {
  const lines: string[] = [];
  for (const [, level, title = ''] of body.matchAll(/^(##+) (.*)$/gm)) {
    if (level === '##') lines.push(`- **${linkTo(title)}**`);
    else lines.push(`${lines.pop()} · ${linkTo(title)}`);
  }
  return lines.join('\n');
}

const HEAD = `<!-- Generated from machines/ by \`npm run docs\`. Do not edit: a test compares. -->

# The link machine

One machine runs at each end of a link, and it is the same at both. This is that machine, printed:
its states, what it is told, what it asks for, and why. Whoever builds a second implementation
needs this together with the bytes, the key schedule and the codes of [protocol.md](protocol.md);
the words are those of [vocabulary.md](vocabulary.md), the source is in
[machines/](../machines/README.md).

${headerParagraph('link.ts', 'Theory of operation.').replace('Theory of operation. ', '')}`;

function pictures(): Section {
  return {
    title: 'Pictures',
    parts: [
      `Blue: this end is the initiator of the exchange. Orange: it is the responder. What starts
with a small letter is an event or the outcome of a call, what is in capitals a timer; a guard
stands in brackets. Refusals and repetitions, which leave the state as it is, are not drawn.`,
      `### The five states`,
      `![The five states of a link](${PICTURES.five})`,
      `Grey and dashed: the exchange ends without a commit. From \`idle\` an end that still holds a
chain goes straight back to \`committed\`. Not drawn: a newer request of the peer may take the place
of the exchange under way. The same in Mermaid:`,
      fence('mermaid', fiveStates()),
      `### All states of the agreement`,
      `![All states of the agreement](${PICTURES.all})`,
      `An arrow from a frame holds in every state inside of it; arrows that say the same meet in a
dot. The dashed box at the end is \`committed\` at the top. ${twins()}`,
      `### The age of the PSK, and the sinks`,
      `![The age of the PSK, and the sinks](${PICTURES.small})`,
      `These two run beside the agreement, which neither an expiry nor a failing sink touches.`,
    ],
  };
}

function twins(): string {
  const pairs = FIVE.filter((state) => twinOf(state) !== state);
  return pairs
    .map((state) => `${code(state.key)} is the same inside as ${code(twinOf(state).key)}.`)
    .join(' ');
}

function states(): Section {
  return {
    title: 'States',
    parts: [
      'A link is in one state of each of the three regions: `agreement`, `psk` and `sinks`.',
      statesTable(),
    ],
  };
}

function events(): Section {
  return {
    title: 'Events',
    parts: [
      eventsTable(),
      `The outcome of a call is an event too; in the tables below it has the name of the call.
${headerParagraph('link.slots.ts', 'Calls never fail')} Where a call fails nevertheless, because
of a defect at this end, the tables say that it broke.`,
      outcomesTable(),
      `So is a timer that has run out: see ${linkTo('Timers')}.`,
    ],
  };
}

function transitions(): Section {
  return {
    title: 'Transitions',
    parts: [
      `For each event the rows are tried from the top, and the first whose guard holds is taken.
What a state does not answer is looked up in the state around it, at last in the machine itself,
which refuses whatever nobody answers. What it says in \`does\` is done in that order.`,
      stateSections(),
    ],
  };
}

function guards(): Section {
  return { title: 'Guards', parts: [guardsTable()] };
}

function timers(): Section {
  return {
    title: 'Timers',
    parts: [
      'Durations are computed by the machine, for the default interval and `max_key_age`.',
      timersTable(),
      '### Durations and limits',
      limitsTable(),
      'Asserted whenever the machine is loaded, or a link is configured:',
      relations(),
    ],
  };
}

function slots(): Section {
  return {
    title: 'Slots',
    parts: [
      headerParagraph('link.slots.ts', 'The slots of the link machine'),
      '### Calls',
      'The machine waits for the outcome, and drops a call when it leaves the state that makes it.',
      callsTable(),
      '### Actions',
      'Done at once, in the order given, without a result.',
      actionsTable(),
      alarmsTable(),
    ],
  };
}

function refusals(): Section {
  return {
    title: 'Refusals',
    parts: [
      `What the machine itself never answers is answered before a message reaches it:
see [protocol.md](protocol.md#refusals).`,
      refusalsTable(),
    ],
  };
}

function memory(): Section {
  return {
    title: 'Memory',
    parts: [
      headerParagraph('link.types.ts', 'Everything here is plain JSON.'),
      'Given at the start, and the same for as long as the end runs:',
      memoryTable('LinkInput'),
      'Remembered from step to step:',
      memoryTable('LinkContext'),
      'These actions change it, or tell another region:',
      innerActionsTable(),
    ],
  };
}

function dialogues(): Section {
  return {
    title: 'Conversations',
    parts: [
      `Each is a transcript of \`test/transcripts/\`, run by two of these machines, with keys and
ids as symbols. A message is drawn when it arrives. \`npm test\` runs all of them.`,
      conversations(),
    ],
  };
}
