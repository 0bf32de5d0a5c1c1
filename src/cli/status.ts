/** `qupskd status [FILE]`: how the links of the daemon of this host are, at one look. */
import { printResult } from '../output.ts';
import { type DaemonReport, REPORT_FORMAT } from '../status/report.ts';
import { daemonAsker } from './ask-daemon.ts';
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

/**
 * What asks the daemon of a file for its report.
 *
 * @param socket - its control socket; undefined: that of the file
 */
export function lookAt(file: string, socket: string | undefined): () => Promise<Look> {
  const isAnswer = (body: unknown): body is DaemonReport =>
    (body as Partial<DaemonReport> | null)?.format === REPORT_FORMAT;
  const ask = daemonAsker(file, socket, { method: 'GET', path: '/status', isAnswer });
  return async () => {
    const asked = await ask();
    return asked.type === 'answer' ? { type: 'report', report: asked.body } : asked;
  };
}
