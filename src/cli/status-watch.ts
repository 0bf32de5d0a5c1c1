/**
 * `qupskd status --watch`: looks again every second, until it is interrupted.
 *
 * On a terminal the page is drawn anew in its place, and what was there before comes back at the end.
 * Elsewhere a line is printed for each link that has changed, or one JSON document a line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { printResult } from '../output.ts';
import type { Look } from './status.ts';
import { linkLine, statusText } from './status-text.ts';

export interface WatchOptions {
  readonly json: boolean;
  readonly isTTY: boolean;
  readonly isColoured: boolean;
}

const PERIOD_MS = 1_000;

/** Control sequences that every terminal of the last forty years knows. */
const ALTERNATE_SCREEN = '\u001b[?1049h\u001b[?25l';
const NORMAL_SCREEN = '\u001b[?25h\u001b[?1049l';
const TOP_LEFT = '\u001b[H';
const CLEAR_TO_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/**
 * Goes on until SIGINT or SIGTERM, or until nobody reads any more; also while there is no daemon.
 *
 * @returns what was seen last
 */
export async function watchStatus(look: () => Promise<Look>, options: WatchOptions): Promise<Look> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  process.stdout.once('error', end);
  const isScreen = options.isTTY && !options.json;
  const textOf = isScreen ? screenOf(options.isColoured) : options.json ? jsonOf : changesOf();
  if (isScreen) process.stdout.write(ALTERNATE_SCREEN);
  try {
    for (;;) {
      const seen = await look();
      await printResult(textOf(seen));
      if (!(await waited(ending.signal))) return seen;
    }
  } finally {
    if (isScreen) process.stdout.write(NORMAL_SCREEN);
  }
}

/** @returns false where it was interrupted */
async function waited(signal: AbortSignal): Promise<boolean> {
  await sleep(PERIOD_MS, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}

/** The whole page, as often as it is looked at. */
function screenOf(isColoured: boolean): (seen: Look) => string {
  return (seen) => {
    const { columns, rows } = process.stdout;
    const text =
      seen.type === 'report' ? statusText(seen.report, { columns, isColoured }) : seen.line;
    return screen(text, rows);
  };
}

/** Text in the place of what the screen shows, as much of it as there are rows for. */
export function screen(text: string, rows: number): string {
  const lines = text.trimEnd().split('\n').slice(0, rows);
  return `${TOP_LEFT}${lines.join(`${CLEAR_TO_LINE_END}\n`)}${CLEAR_TO_LINE_END}${CLEAR_BELOW}`;
}

function jsonOf(seen: Look): string {
  return `${JSON.stringify(seen.type === 'report' ? seen.report : { error: seen.line })}\n`;
}

/** Lines on what is not as it was at the last look. */
function changesOf(): (seen: Look) => string {
  let before = new Set<string>();
  return (seen) => {
    const lines = seen.type === 'report' ? seen.report.links.map(linkLine) : [seen.line];
    const news = lines.filter((line) => !before.has(line));
    before = new Set(lines);
    const time = new Date().toISOString();
    return news.map((line) => `${time} ${line}\n`).join('');
  };
}
