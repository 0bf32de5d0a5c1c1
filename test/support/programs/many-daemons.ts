/**
 * Runs one daemon for each configuration file that is named on the command line, in one process: the
 * far ends of a daemon with many links, of which each has another SAE ID.
 */
import { loadConfig } from '../../../src/config/load.ts';
import { startDaemon } from '../../../src/daemon.ts';

async function main(files: readonly string[]): Promise<void> {
  await Promise.all(files.map(async (file) => startDaemon(await loadConfig(file))));
  process.stdout.write(`${files.length} daemons run\n`);
}

void main(process.argv.slice(2));
