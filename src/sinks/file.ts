/**
 * The sink `file`: the PSK as 44 characters of base64 in a file that only its owner can read.
 *
 * A reader finds the old PSK or the new one, whole, at any time and after any crash: the text goes to
 * a temporary file in the same folder and reaches the disk before the rename. The temporary file is
 * made with O_EXCL under a random name, so that nobody who can write to the folder can plant one
 * and keep it open. What a crash leaves behind holds a PSK and is swept by the first install and by
 * every remove.
 */
import { randomBytes } from 'node:crypto';
import { constants, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileSinkConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { withKeyText } from '../key-text.ts';
import type { Secret } from '../secret.ts';
import type { PskOrder, Sink } from './sink.ts';

/** What was written is on the disk: each step more is time in which the two ends differ. */
const NEW_AND_SYNCED = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_SYNC;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const TEMPORARY_NAME_BYTES = 8;

export class FileSink implements Sink {
  readonly label: string;
  readonly #path: string;
  readonly #folder: string;
  /** The folder is there and swept; in doubt after a failure. */
  #isPrepared = false;

  constructor(config: FileSinkConfig) {
    this.label = `file ${config.path}`;
    this.#path = config.path;
    this.#folder = dirname(config.path);
  }

  async install({ psk }: PskOrder, signal: AbortSignal): Promise<void> {
    await withKeyText(psk, async (text) => {
      try {
        if (!this.#isPrepared) await this.#prepare();
        await this.#replace(text, signal);
        this.#isPrepared = true;
      } catch (error) {
        this.#isPrepared = false;
        throw this.#failure('written', error);
      }
    });
  }

  async remove(): Promise<void> {
    try {
      await rm(this.#path, { force: true });
      await this.#sweep();
    } catch (error) {
      throw this.#failure('removed', error);
    }
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE });
    await this.#sweep();
  }

  async #replace(text: Secret, signal: AbortSignal): Promise<void> {
    const name = `${this.#temporaryPrefix()}${randomBytes(TEMPORARY_NAME_BYTES).toString('hex')}`;
    const temporary = join(this.#folder, name);
    try {
      const file = await open(temporary, NEW_AND_SYNCED, FILE_MODE);
      try {
        // The umask may have taken bits away from the mode that was asked for.
        await Promise.all([file.chmod(FILE_MODE), file.writeFile(text.reveal())]);
        signal.throwIfAborted();
        await rename(temporary, this.#path);
      } finally {
        await file.close();
      }
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Removes the temporary files of this target, and only those. */
  async #sweep(): Promise<void> {
    const prefix = this.#temporaryPrefix();
    const length = prefix.length + 2 * TEMPORARY_NAME_BYTES;
    for (const name of await this.#namesInFolder()) {
      if (name.startsWith(prefix) && name.length === length) {
        await rm(join(this.#folder, name), { force: true });
      }
    }
  }

  async #namesInFolder(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  #temporaryPrefix(): string {
    return `.${basename(this.#path)}.tmp-`;
  }

  #failure(verb: string, error: unknown): QupskdError {
    return new QupskdError(
      'ERR_SINK_FAILED',
      `${this.#path} could not be ${verb}: ${errorCode(error)}`,
      `Let the user that runs quPSKd write to ${this.#folder}, and see that the disk is not full.`,
    );
  }
}
