/** `qupskd check [FILE]`: everything that is checked before a start, without the start. */
import { printResult } from '../output.ts';
import { loadChecked } from './load-checked.ts';

/**
 * Prints one line for a file that is in order, and its warnings on standard error.
 *
 * @throws ConfigError
 */
export async function check(file: string): Promise<void> {
  const { links, warnings } = await loadChecked(file);
  for (const warning of warnings) process.stderr.write(`${file}: warning: ${warning}\n`);
  const count = links.length === 1 ? '1 link' : `${links.length} links`;
  await printResult(`${file}: ok, ${count}\n`);
}
