/** `qupskd [run] [FILE]`: the daemon, from its configuration to the signal that ends it. */
import type { Daemon } from '../daemon.ts';
import { EXIT, explainFailure } from './exit.ts';
import { loadChecked } from './load-checked.ts';

/** From the first signal to the end of the process, whatever the daemon does. */
const STOP_MS_MAX = 2_000;

/**
 * Runs until SIGTERM or SIGINT; a second one ends the process at once. SIGHUP reloads.
 *
 * @throws ConfigError before anything is started
 */
export async function run(file: string): Promise<void> {
  // A daemon in an unknown state must not go on installing PSKs; a service manager starts it anew.
  process.on('uncaughtException', (error) => process.exit(explainFailure(error)));
  process.on('unhandledRejection', (error) => process.exit(explainFailure(error)));
  const signalled = firstSignal();
  let daemon: Daemon | undefined;
  let isHungUp = false;
  process.on('SIGHUP', () => {
    isHungUp = true;
    void daemon?.reload();
  });
  const config = await loadChecked(file);
  // Loaded only here, so that a refused configuration is refused at once.
  const { startDaemon } = await import('../daemon.ts');
  daemon = await startDaemon(config, { environment: process.env });
  // The file may have changed since it was read.
  if (isHungUp) void daemon.reload();
  await signalled;
  await daemon.stop();
}

/** Resolves with the first signal, and limits what time is left from then on. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (): void => {
      if (isStopping) process.exit(EXIT.internal);
      isStopping = true;
      setTimeout(() => {
        process.stderr.write(`qupskd: did not stop within ${STOP_MS_MAX} ms\n`);
        process.exit(EXIT.internal);
      }, STOP_MS_MAX);
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
