/**
 * The file of the audit log: opened for appending only, mode 0600, its end read and joined on to.
 *
 * Before every write it looks whether the path still leads to the file that it knows. So the log may be
 * rotated at any time by renaming it, or by copying and truncating it, and nobody has to be told.
 * What was in a file is never overwritten: an end that does not fit is moved aside with its file.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { type AuditLine, CHAIN_START, type ChainEnd } from './record.ts';
import { readTail, TAIL_BYTES_MAX, type Tail } from './tail.ts';

const FLAGS = constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | constants.O_NONBLOCK;
const MODE = 0o600;

/** The file is ready to be joined on to. */
export interface Joint {
  /** The next record follows this one. */
  readonly end: ChainEnd;
  /** To be written before anything else: ends a line that was left without its end. */
  readonly prefix: '' | '\n';
  /** What the next record has to say of the end that was found; null: nothing. */
  readonly note: JointNote | null;
}

export type JointNote =
  | { readonly event: 'healed'; readonly torn: string; readonly count: number }
  /** Another file than before has begun. */
  | { readonly event: 'continued'; readonly aside?: string }
  /** What was there is no end that a chain could follow. */
  | { readonly event: 'begun-anew'; readonly aside: string };

export class AuditFile {
  readonly #path: string;
  #handle: FileHandle | null = null;
  #size = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the file, or makes sure that the open one is still that of the path.
   *
   * @param known - ends of the chain that this daemon may have written, the last one certain first; none
   *   at its start
   * @returns null where all is as it was left by the last write
   * @throws the system's error
   */
  async join(known: readonly ChainEnd[]): Promise<Joint | null> {
    if (this.#handle !== null && (await this.#isInPlace(this.#handle))) return null;
    await this.close();
    const { tail, handle } = await this.#openAndRead();
    this.#handle = handle;
    const [last] = known;
    if (tail.type === 'empty') {
      if (last === undefined) return { end: CHAIN_START, prefix: '', note: null };
      // Nothing of this daemon was ever written: this is no rotation.
      const note = last.seq === 0 ? null : ({ event: 'continued' } as const);
      return { end: last, prefix: '', note };
    }
    // Where the first record of a file was torn, the chain is still where it was before.
    const end = tail.end.seq === 0 ? (last ?? CHAIN_START) : tail.end;
    const isOurs = last === undefined || known.some(({ hash }) => hash === end.hash);
    if (tail.type === 'whole' && isOurs) {
      return { end, prefix: tail.isEnded ? '' : '\n', note: null };
    }
    if (tail.type === 'torn' && isOurs) {
      const { torn, count } = tail;
      return { end, prefix: '\n', note: { event: 'healed', torn, count } };
    }
    const aside = await this.#moveAside();
    return last === undefined
      ? { end: CHAIN_START, prefix: '', note: { event: 'begun-anew', aside } }
      : { end: last, prefix: '', note: { event: 'continued', aside } };
  }

  /**
   * Writes lines behind what there is, and waits until the disk has them.
   *
   * @throws the system's error; some of it may have been written, and join says how much
   */
  async append(prefix: string, lines: readonly AuditLine[]): Promise<void> {
    if (this.#handle === null) throw new Error('the audit file was not joined on to');
    const bytes = Buffer.from(prefix + lines.map(({ text }) => text).join(''));
    try {
      for (let written = 0; written < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, written);
        written += bytesWritten;
      }
      await this.#handle.datasync();
      this.#size += bytes.length;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  /** False as well where somebody else has written to it, or cut it. */
  async #isInPlace(handle: FileHandle): Promise<boolean> {
    try {
      const [there, own] = await Promise.all([stat(this.#path), handle.stat()]);
      return there.ino === own.ino && there.dev === own.dev && own.size === this.#size;
    } catch {
      return false;
    }
  }

  async #openAndRead(): Promise<{ readonly tail: Tail; readonly handle: FileHandle }> {
    const handle = await open(this.#path, FLAGS, MODE);
    try {
      const status = await handle.stat();
      if (!status.isFile()) throw Object.assign(new Error('no file'), { code: 'ENOTFILE' });
      this.#size = status.size;
      const bytes = Buffer.alloc(Math.min(status.size, TAIL_BYTES_MAX));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, status.size - bytes.length);
      return { tail: readTail(bytes.subarray(0, bytesRead), status.size), handle };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** @returns where the file is now; an empty one is open in its place */
  async #moveAside(): Promise<string> {
    await this.close();
    const aside = `${this.#path}.aside-${new Date().toISOString().replace(/[-:.]/g, '')}`;
    await rename(this.#path, aside);
    this.#handle = await open(this.#path, FLAGS | constants.O_EXCL, MODE);
    this.#size = 0;
    return aside;
  }
}
