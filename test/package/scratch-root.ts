/** A root file system of its own for dpkg, without a chroot: no root rights, nothing else in it. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from '../support/folders.ts';

/** What dpkg keeps for itself. */
const DPKG = 'var/lib/dpkg';

export class ScratchRoot {
  readonly #folder = makeFolder();

  constructor() {
    for (const name of ['info', 'updates', 'triggers']) {
      mkdirSync(this.path(`${DPKG}/${name}`), { recursive: true });
    }
    for (const name of ['status', 'available']) writeFileSync(this.path(`${DPKG}/${name}`), '');
  }

  path(inside: string): string {
    return join(this.#folder, inside);
  }

  /** Runs dpkg upon this root; what the package depends on counts as installed. */
  async dpkg(...args: readonly string[]): Promise<void> {
    const options = [
      `--root=${this.#folder}`,
      `--log=${join(this.#folder, DPKG, 'log')}`,
      '--force-not-root',
      '--force-depends',
      '--force-script-chrootless',
      '--force-confold',
    ];
    await promisify(execFile)('dpkg', [...options, ...args]);
  }

  /** Every file and link but dpkg's own. */
  files(): readonly string[] {
    return readdirSync(this.#folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.#folder.length + 1))
      .filter((path) => !path.startsWith(DPKG));
  }
}
