/** `qupskd reload [FILE]`: the running daemon takes what its configuration says now. */
import { formatProblem } from '../config/problem.ts';
import { printResult } from '../output.ts';
import type { ReloadOutcome } from '../reload.ts';
import { type Asked, daemonAsker } from './ask-daemon.ts';
import { RELOAD_EXIT } from './exit.ts';

export interface ReloadArguments {
  /** Path of the control socket; else that of the file. */
  readonly socket?: string;
}

/** A reload before it, looks at many sinks, links that stop, and the preparation of new ones. */
const PATIENCE_MS = 60_000;

const OUTCOMES: Readonly<Record<ReloadOutcome['type'], true>> = {
  reloaded: true,
  refused: true,
  stopping: true,
  failed: true,
};

/**
 * Orders the reload, and says what came of it.
 *
 * @returns the exit code
 */
export async function reload(file: string, { socket }: ReloadArguments): Promise<number> {
  const question = { method: 'POST', path: '/reload', patienceMs: PATIENCE_MS, isAnswer } as const;
  const asked = await daemonAsker(file, socket, question)();
  const { code, lines } = tell(asked);
  const text = lines.map((line) => `${line}\n`).join('');
  if (code === RELOAD_EXIT.reloaded) await printResult(text);
  else process.stderr.write(text);
  return code;
}

interface Told {
  readonly code: number;
  readonly lines: readonly string[];
}

function tell(asked: Asked<ReloadOutcome>): Told {
  if (asked.type === 'no daemon') return { code: RELOAD_EXIT['no daemon'], lines: [asked.line] };
  const { body: outcome } = asked;
  const code = RELOAD_EXIT[outcome.type];
  switch (outcome.type) {
    case 'reloaded': {
      const { added, changed, removed, untouched } = outcome;
      const news = Object.entries({ added, changed, removed }).flatMap(([what, names]) =>
        names.length === 0 ? [] : `${what} ${names.join(', ')}`,
      );
      const links = untouched === 1 ? '1 link' : `${untouched} links`;
      return { code, lines: [...news, `untouched: ${links}`] };
    }
    case 'refused': {
      const lines = outcome.problems.map(formatProblem);
      return { code, lines: [...lines, 'qupskd: refused; the daemon goes on as before.'] };
    }
    case 'stopping':
      return { code, lines: ['qupskd: The daemon is being stopped.'] };
    case 'failed':
      return { code, lines: ['qupskd: The reload failed by a bug: see the log of the daemon.'] };
  }
}

function isAnswer(body: unknown): body is ReloadOutcome {
  const type = (body as Partial<ReloadOutcome> | null)?.type;
  return type !== undefined && Object.hasOwn(OUTCOMES, type);
}
