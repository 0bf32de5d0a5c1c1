/**
 * Sequence diagrams out of transcripts: each is run again in the symbolic world, and what happened
 * is drawn. The story comes from the transcript's own comments.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Block, parseTranscript, type TraceRecord, World } from '../../test/support/world.ts';
import { fence } from './markdown.ts';
import { Sequence } from './sequence.ts';
import { duration } from './words.ts';

interface Scenario {
  readonly title: string;
  readonly file: string;
  /** The blocks of the file that are drawn; those before are run and summed up. */
  readonly blocks: readonly [first: number, last: number];
}

const SCENARIOS: readonly Scenario[] = [
  { title: 'First agreement', file: 'first-agreement.txt', blocks: [0, 0] },
  { title: 'Rotation', file: 'rotation.txt', blocks: [1, 1] },
  { title: 'The ack is lost', file: 'ack-lost.txt', blocks: [0, 2] },
  { title: 'The answer to the ack is lost', file: 'confirmation-lost.txt', blocks: [0, 1] },
  { title: 'Both open at once', file: 'both-start-at-once.txt', blocks: [0, 0] },
  { title: 'An end restarts', file: 'restart-while-committed.txt', blocks: [1, 1] },
  { title: 'A key not yet synchronised', file: 'key-not-yet-synchronised.txt', blocks: [0, 0] },
  { title: 'Expiry and recovery', file: 'expiry-random.txt', blocks: [1, 2] },
];

const FOLDER = 'test/transcripts';

/** A heading, a story, a diagram and the file, for each of the chosen transcripts. */
export function conversations(): string {
  return SCENARIOS.map(({ title, file, blocks }) => {
    const text = readFileSync(
      fileURLToPath(new URL(`../../${FOLDER}/${file}`, import.meta.url)),
      'utf8',
    );
    const parsed = parseTranscript(text);
    const diagram = draw(parsed, blocks);
    const source = `Transcript: [\`${file}\`](../${FOLDER}/${file}).`;
    return [`### ${title}`, storyOf(parsed[0]), fence('mermaid', diagram), source].join('\n\n');
  }).join('\n\n');
}

function draw(blocks: readonly Block[], [first, last]: Scenario['blocks']): string {
  const world = new World();
  const sequence = new Sequence();
  for (const [index, block] of blocks.slice(0, last + 1).entries()) {
    const isDrawn = index >= first;
    if (isDrawn && index > 0) sequence.note(storyOf(block));
    for (const command of block.commands) {
      const before = world.trace.length;
      world.apply(command);
      if (isDrawn && command.type === 'advance' && command.ms > 0) {
        sequence.note(`${duration(command.ms)} later`);
      }
      const happened: readonly TraceRecord[] = world.trace.slice(before);
      if (isDrawn) sequence.add(happened);
      else sequence.pass(happened);
    }
  }
  return sequence.toString();
}

/** The comment of a block, as a sentence. */
function storyOf(block: Block | undefined): string {
  const lines = block?.comments ?? [];
  return lines.map((line) => line.replace(/^#\s*/, '')).join(' ');
}
