/** `qupskd status [FILE]`: how the links of the daemon of this host are, at one look. */
import { loadControlSocket } from '../config/load.ts';
import { askControl } from '../control/client.ts';
import { defaultSocketPath } from '../control/socket-path.ts';
import { QupskdError } from '../errors.ts';
import { printResult } from '../output.ts';
import { type DaemonReport, REPORT_FORMAT } from '../status/report.ts';
import { STATUS_EXIT } from './exit.ts';
import { statusText } from './status-text.ts';
import { watchStatus } from './status-watch.ts';

export interface StatusArguments {
  readonly json?: true;
  readonly watch?: true;
  /** Path of the control socket; else that of the file. */
  readonly socket?: string;
}

/** A report, or one line that says why there is none and what to do. */
export type Look =
  | { readonly type: 'report'; readonly report: DaemonReport }
  | { readonly type: 'no daemon'; readonly line: string };

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'No daemon runs there: start it, or name its configuration or its socket (--socket).',
  ECONNREFUSED: 'The daemon that had it has ended: start it again.',
  EACCES: 'This user may not use it: run this as root, or as the user of the daemon.',
  late: 'The daemon is there, but does not answer: see its log, and restart it.',
};

/**
 * Prints the report, once or again and again.
 *
 * @returns the exit code
 */
export async function status(file: string, options: StatusArguments): Promise<number> {
  const look = lookAt(file, options.socket);
  const { isTTY } = process.stdout;
  const columns = isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
  const isColoured = isTTY && !process.env['NO_COLOR'];
  if (options.watch) {
    const last = await watchStatus(look, { json: options.json === true, isTTY, isColoured });
    return exitOf(last);
  }
  const seen = await look();
  if (seen.type === 'no daemon') {
    process.stderr.write(`${seen.line}\n`);
  } else {
    const { report } = seen;
    const text = options.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : statusText(report, { columns, isColoured });
    await printResult(text);
  }
  return exitOf(seen);
}

function exitOf(look: Look): number {
  return STATUS_EXIT[look.type === 'report' ? look.report.verdict : 'no daemon'];
}

/** What asks the daemon of a file for its report. */
function lookAt(file: string, socket: string | undefined): () => Promise<Look> {
  const found = socket === undefined ? findSocket(file) : { path: socket, doubt: '' };
  return async () => {
    if (found.path === null) return noDaemon(`There is no control socket. ${found.doubt}`);
    const answer = await askControl(found.path, 'GET', '/status');
    if (answer.type === 'failed') {
      const remedy = REMEDIES[answer.code] ?? 'See that it is the control socket of a daemon.';
      return noDaemon(
        `The control socket ${found.path} gives no answer (${answer.code}). ${remedy}${found.doubt}`,
      );
    }
    const report = answer.body as Partial<DaemonReport> | null;
    if (answer.status === 200 && report?.format === REPORT_FORMAT) {
      return { type: 'report', report: report as DaemonReport };
    }
    return noDaemon(
      `What answers at ${found.path} is not a daemon of this version: restart it after an upgrade.`,
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

function noDaemon(line: string): Look {
  return { type: 'no daemon', line: `qupskd: ${line}` };
}
