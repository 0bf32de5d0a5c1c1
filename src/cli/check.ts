/** `qupskd check [FILE]`: everything that is checked before a start, without the start. */
import { checkEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { throwIfAny } from '../config/problem.ts';
import { printResult } from '../output.ts';
import { lookAt } from './status.ts';

/**
 * Prints one line for a file that is in order, and its warnings on standard error. The daemon of the
 * file may run meanwhile: whoever is about to reload it asks for just that.
 *
 * @throws ConfigError
 */
export async function check(file: string): Promise<void> {
  const config = await loadConfig(file);
  const look = await lookAt(file, undefined)();
  const daemonRuns = look.type === 'report';
  throwIfAny(await checkEnvironment(config, { daemonRuns }));
  const { links, warnings } = config;
  for (const warning of warnings) process.stderr.write(`${file}: warning: ${warning}\n`);
  const count = links.length === 1 ? '1 link' : `${links.length} links`;
  const daemon = daemonRuns ? `; its daemon runs, pid ${look.report.pid}` : '';
  await printResult(`${file}: ok, ${count}${daemon}\n`);
}
