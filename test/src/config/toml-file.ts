/** A folder of its own for a test, and what loadConfig says about a file in it. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load.ts';
import { ConfigError, formatProblem } from '../../../src/config/problem.ts';
import type { Config } from '../../../src/config/types.ts';
import { makeFolder } from '../../support/folders.ts';

/** Stands in every value that could be a secret, and must stand in no message. */
export const PLANTED = 'planted-secret';
export const STRONG_PSK = `${PLANTED}-of-more-than-32-characters`;

export const PUBLIC_KEY = 'GOJt/mfPuwoUiKD+hARpxuDtnzJOWkcK0Tq+sxxw4UQ=';

export const FLAT = `
qupskd_bind = "localhost"
qupskd_port = 5555
etsi_url = "http://localhost:12345"
remote_qupskd_url = "http://localhost:5556"
remote_SAE_ID = "sae_bob"
key_folder = "./psk/alice"
alias = "bob"
psk = "${STRONG_PSK}"
`;

export const STRUCTURED = `
local_SAE_ID = "sae_alice"
[listen]
host = "localhost"
port = 5555
[kme]
url = "http://localhost:12345"
[[link]]
name = "bob"
remote_SAE_ID = "sae_bob"
url = "http://localhost:5556"
psk = "${STRONG_PSK}"
[[link.sink]]
type = "file"
path = "./psk/bob.key"
`;

export type Edit = readonly [from: string, to: string];

/** Applies edits to a text; one that finds nothing is a mistake in the test. */
export function edited(text: string, ...edits: readonly Edit[]): string {
  return edits.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the text to edit lacks: ${from}`);
    return before.replace(from, () => to);
  }, text);
}

export class Folder {
  readonly path = makeFolder();

  write(name: string, content: string | Buffer, mode = 0o600): string {
    const file = join(this.path, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  }

  /** Sets the permissions of the folder itself. */
  mode(mode: number): void {
    chmodSync(this.path, mode);
  }

  load(toml: string, mode = 0o600): Promise<Config> {
    return loadConfig(this.write('qupskd.toml', toml, mode));
  }

  /** Every problem as its line, without the file's name. */
  async problems(toml: string | Buffer): Promise<readonly string[]> {
    const file = this.write('qupskd.toml', toml);
    try {
      await loadConfig(file);
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map((problem) => formatProblem(problem).replace(`${file}: `, ''));
    }
  }
}
