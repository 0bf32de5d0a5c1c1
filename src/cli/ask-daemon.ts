/** The way of a sub-command to the daemon that runs with a configuration: over its control socket. */
import { loadControlSocket } from '../config/load.ts';
import { askControl, type ControlRequest } from '../control/client.ts';
import { defaultSocketPath } from '../control/socket-path.ts';
import { QupskdError } from '../errors.ts';

export interface Question<T> extends ControlRequest {
  /** Whether that is what a daemon of this version answers. */
  isAnswer(body: unknown): body is T;
}

/** An answer, or one line that says why there is none and what to do. */
export type Asked<T> =
  | { readonly type: 'answer'; readonly body: T }
  | { readonly type: 'no daemon'; readonly line: string };

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'No daemon runs there: start it, or name its configuration or its socket (--socket).',
  ECONNREFUSED: 'The daemon that had it has ended: start it again.',
  ECONNRESET: 'The daemon has just ended: see its log.',
  EACCES: 'This user may not use it: run this as root, or as the user of the daemon.',
  late: 'The daemon is there, but does not answer: see its log, and restart it.',
};

/**
 * Finds the daemon, once.
 *
 * @param file - its configuration
 * @param socket - path of its control socket, which goes before the file
 * @returns what asks it, as often as it is called
 */
export function daemonAsker<T>(
  file: string,
  socket: string | undefined,
  question: Question<T>,
): () => Promise<Asked<T>> {
  const { path, doubt } = socket === undefined ? findSocket(file) : { path: socket, doubt: '' };
  return async () => {
    if (path === null) return noDaemon(`There is no control socket. ${doubt}`);
    const answer = await askControl(path, question);
    if (answer.type === 'failed') {
      const remedy = REMEDIES[answer.code] ?? 'See that it is the control socket of a daemon.';
      return noDaemon(
        `The control socket ${path} gives no answer (${answer.code}). ${remedy}${doubt}`,
      );
    }
    const { status, body } = answer;
    if (status === 200 && question.isAnswer(body)) return { type: 'answer', body };
    return noDaemon(
      `What answers at ${path} is not a daemon of this version: restart it after an upgrade.`,
    );
  };
}

/** @returns null where this user can have none; `doubt` completes the sentences about it */
function findSocket(file: string): { readonly path: string | null; readonly doubt: string } {
  const byName = defaultSocketPath(file);
  try {
    return {
      path: loadControlSocket(file) ?? byName,
      doubt: byName === null ? 'Name it with --socket.' : '',
    };
  } catch (error) {
    if (!(error instanceof QupskdError)) throw error;
    return {
      path: byName,
      doubt: ` What ${file} says of it could not be read: name it with --socket.`,
    };
  }
}

function noDaemon<T>(line: string): Asked<T> {
  return { type: 'no daemon', line: `qupskd: ${line}` };
}
