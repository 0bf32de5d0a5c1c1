/**
 * How the end of an audit file is to be taken: whole, torn by a crash, or no end of a chain. Pure.
 *
 * Torn is only what a write can leave that was broken off: the beginning of a line, once or several
 * times. A line that has its end and the wrong hash was changed by somebody.
 */
import { CHAIN_START, type ChainEnd, hashOf, LINE_BYTES_MAX, readLine } from './record.ts';

/** Of the file's end so much is read: the last record and what is torn behind it. */
export const TAIL_BYTES_MAX = 4 * LINE_BYTES_MAX;

const LINE_END = 0x0a;
/** Of the first line of a file. */
const BEGINNING = '{"seq":';

export type Tail =
  | { readonly type: 'empty' }
  /** `isEnded`: the last record has its end of line. */
  | { readonly type: 'whole'; readonly end: ChainEnd; readonly isEnded: boolean }
  | {
      readonly type: 'torn';
      readonly end: ChainEnd;
      /** SHA3-256 of what is torn. */
      readonly torn: string;
      readonly count: number;
    }
  | { readonly type: 'foreign'; readonly end: ChainEnd };

/**
 * Reads the end of a file.
 *
 * @param bytes - the last TAIL_BYTES_MAX of it, or all
 * @param size - of the whole file, in bytes
 */
export function readTail(bytes: Buffer, size: number): Tail {
  if (size === 0) return { type: 'empty' };
  const foreign = { type: 'foreign', end: CHAIN_START } as const;
  let restFrom = bytes.length;
  let stop = bytes.length;
  // From the last line back to the last one that is a record.
  while (stop > 0) {
    const start = bytes.lastIndexOf(LINE_END, stop - 1) + 1;
    // The first line of the window may be cut by it.
    if (start === 0 && bytes.length < size) return foreign;
    const record = start === stop ? '' : readLine(bytes.subarray(start, stop));
    if (typeof record !== 'string') {
      const end = { seq: record.seq, hash: record.hash };
      return tailAfter(end, bytes.subarray(restFrom), stop < bytes.length);
    }
    restFrom = start;
    stop = start - 1;
  }
  const isBeginning = bytes.toString('latin1').startsWith(BEGINNING.slice(0, bytes.length));
  return isBeginning ? tailAfter(CHAIN_START, bytes, true) : foreign;
}

/** @param rest - everything behind the last record and its end of line */
function tailAfter(end: ChainEnd, rest: Buffer, isEnded: boolean): Tail {
  if (rest.length === 0) return { type: 'whole', end, isEnded };
  if (!isTorn(rest)) return { type: 'foreign', end: CHAIN_START };
  return { type: 'torn', end, torn: hashOf(rest), count: rest.length };
}

/** True for what a write that was broken off can leave, and no line that was whole. */
export function isTorn(rest: Buffer): boolean {
  if (rest.length > LINE_BYTES_MAX) return false;
  return rest
    .toString('latin1')
    .split('\n')
    .every((line) => !line.endsWith('}'));
}
