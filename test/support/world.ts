/**
 * The symbolic two-link world and its transcripts: parse commands, run them, print what happened.
 *
 * For tests, for the exploration (which prints what it finds as commands) and for the documentation
 * (which draws sequence diagrams from a trace). Pure and deterministic.
 */
import { type Command, parseCommand } from './world/commands.ts';
import type { TraceRecord } from './world/trace.ts';
import { World } from './world/world.ts';

export { type Command, formatCommand, parseCommand } from './world/commands.ts';
export type { LinkSnapshot } from './world/end.ts';
export { print, type TraceRecord } from './world/trace.ts';
export { World } from './world/world.ts';

/** Commands and the reaction to them. */
export interface Block {
  /** Comment lines that come before the commands, with their `#`. */
  readonly comments: readonly string[];
  readonly commands: readonly Command[];
  /** The lines of the commands as written. */
  readonly lines: readonly string[];
  readonly reaction: string;
}

const RULE = '----';

/**
 * Reads a transcript: blocks of `# comments`, commands, `----`, reaction, apart by blank lines.
 *
 * @throws Error that names the line it cannot read
 */
export function parseTranscript(text: string): Block[] {
  return text
    .split(/\n\s*\n/)
    .filter((block) => block.trim() !== '')
    .map(parseBlock);
}

function parseBlock(text: string): Block {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const at = lines.indexOf(RULE);
  const above = at < 0 ? lines : lines.slice(0, at);
  const commandLines = above.filter((line) => !line.startsWith('#'));
  return {
    comments: above.filter((line) => line.startsWith('#')),
    lines: commandLines,
    commands: commandLines.map(parseCommand),
    reaction: at < 0 ? '' : lines.slice(at + 1).join('\n'),
  };
}

/** The text of a transcript, as parseTranscript reads it. */
export function formatTranscript(blocks: readonly Block[]): string {
  const texts = blocks.map(({ comments, lines, reaction }) =>
    [...comments, ...lines, RULE, reaction].filter((line) => line !== '').join('\n'),
  );
  return `${texts.join('\n\n')}\n`;
}

/** Every command of a transcript, in order. */
export function parse(text: string): Command[] {
  return parseTranscript(text).flatMap(({ commands }) => commands);
}

/** Runs commands from nothing: what happened, and the world they end in. */
export function run(commands: readonly Command[]): {
  readonly trace: readonly TraceRecord[];
  readonly world: World;
} {
  const world = new World();
  for (const command of commands) world.apply(command);
  return { trace: world.trace, world };
}
