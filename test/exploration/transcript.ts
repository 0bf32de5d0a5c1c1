/**
 * A path of the exploration as a transcript, ready to be saved under test/transcripts: its
 * commands, and what the symbolic world says to them.
 */
import { formatCommand, formatTranscript, print } from '../support/world.ts';
import { play } from './player.ts';
import type { Found, Search } from './search.ts';

/** Ends that never agree say the same for ever. */
const REACTION_LINES_MAX = 200;

/** The transcript of a shortest path to a violation. */
export function transcriptOf(search: Search, found: Found): string {
  const player = play(search, found);
  if (found.id === 'L1') player.stabilize();
  const { world, commands, stopped } = player;
  const said = print(world.trace).split('\n').slice(0, REACTION_LINES_MAX);
  const story = `# ${found.id}: ${found.what}.`;
  const end = stopped === null ? [] : [`# The world says: ${stopped}`];
  const lines = commands.map(formatCommand);
  const reaction = [...said, ...end].join('\n');
  return formatTranscript([{ comments: [story], commands, lines, reaction }]);
}

/** The commands of a shortest path to a state. */
export function commandsTo(search: Search, state: number): string[] {
  const { commands } = play(search, { id: 'L1', what: '', state, move: null });
  return commands.map(formatCommand);
}
