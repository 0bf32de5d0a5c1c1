/**
 * `npm run inspect [-- FILE...]`: runs one daemon for each configuration, with @statelyai/inspect
 * attached, and serves a page that shows what their link machines remember and are told. The
 * dashboard of each daemon is on as well. Both work without the internet.
 *
 * For development: it is no part of the built program.
 */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { explainFailure } from '../cli/exit.ts';
import { loadChecked } from '../cli/load-checked.ts';
import type { Config } from '../config/types.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { Secret } from '../secret.ts';
import { Hub } from './hub.ts';
import { inspectorFor } from './inspector.ts';
import { type InspectServer, serveInspector } from './server.ts';

const PORT_DEFAULT = 8014;
const PORT_MAX = 65_535;
const TOKEN_BYTES = 24;

const EXAMPLE = fileURLToPath(new URL('../../example/qupskd_alice.toml', import.meta.url));

async function main(): Promise<void> {
  const program = new Command('npm run inspect --')
    .description('Runs daemons and shows their link machines in a browser.')
    .argument('[FILE...]', 'a configuration for each daemon; several run in one process')
    .option('--port <n>', 'of the page, on 127.0.0.1; 0 for any free one', portNumber, PORT_DEFAULT)
    .addHelpText('after', '\nWithout FILE: $QUPSKD_CONFIG_FILE, else example/qupskd_alice.toml.')
    .parse();
  const files = program.args.length > 0 ? program.args : [defaultFile()];
  const { port } = program.opts<{ port: number }>();

  const configs = await Promise.all(files.map(loadChecked));
  const hub = new Hub();
  const server = await serveInspector(hub, port);
  process.stdout.write(`\nThe link machines: ${server.url}\n\n`);
  const daemons: Daemon[] = [];
  // For whoever sits at this terminal: it is no log, and the token dies with the program.
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  for (const config of configs) {
    const dashboard = config.dashboard ?? pageFor(token);
    const inspect = inspectorFor(hub, nameOf(config));
    const daemon = await startDaemon({ ...config, dashboard }, { inspect });
    daemons.push(daemon);
    const how = config.dashboard === null ? `token ${token}` : 'with its own token';
    process.stdout.write(
      `\nThe dashboard of ${nameOf(config)}: ${daemon.dashboard?.url} (${how})\n\n`,
    );
  }
  stopOnSignal(daemons, server);
}

/** On any free port of this machine. */
function pageFor(token: string): Config['dashboard'] {
  return { host: '127.0.0.1', port: 0, tls: null, token: Secret.fromUtf8(token) };
}

function defaultFile(): string {
  return process.env['QUPSKD_CONFIG_FILE'] || EXAMPLE;
}

/** Who a daemon is: its SAE ID, or its file where protocol 1 has none. */
function nameOf({ links, file }: Config): string {
  return links[0]?.localSaeId ?? basename(file, '.toml');
}

function stopOnSignal(daemons: readonly Daemon[], server: InspectServer): void {
  let isStopping = false;
  const stop = async (): Promise<void> => {
    await Promise.all([server.close(), ...daemons.map((daemon) => daemon.stop())]);
    process.exit();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!isStopping) void stop();
      isStopping = true;
    });
  }
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= PORT_MAX) return port;
  throw new InvalidArgumentError(`It must be a whole number, ${PORT_MAX} at most.`);
}

main().catch((error: unknown) => {
  process.exit(explainFailure(error));
});
