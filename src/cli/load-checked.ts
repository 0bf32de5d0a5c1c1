/** The configuration of a daemon that is to start: loaded, and checked whether it fits the machine. */
import { checkEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { throwIfAny } from '../config/problem.ts';
import type { Config } from '../config/types.ts';

/**
 * Loads and checks a configuration.
 *
 * @throws ConfigError with all problems of the file, or else with all of the machine
 */
export async function loadChecked(file: string): Promise<Config> {
  const config = await loadConfig(file);
  throwIfAny(await checkEnvironment(config));
  return config;
}
