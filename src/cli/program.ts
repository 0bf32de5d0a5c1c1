/**
 * The command line: arguments in, exit code out.
 *
 * Sub-commands are loaded when they run, so that `--help`, `--version` and `genpsk` load nothing of
 * the daemon.
 */
import { Command, CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { outliveReaders } from '../output.ts';
import { EXIT, explainFailure } from './exit.ts';
import { genpsk } from './genpsk.ts';
import type { ProbeArguments } from './probe.ts';

const DEFAULT_FILE = '/etc/qupskd.toml';

const NOTES = `
FILE is a TOML file. Without it: the environment variable QUPSKD_CONFIG_FILE, else ${DEFAULT_FILE}.

Exit codes:
  0  done; the daemon was ended by SIGTERM or SIGINT
  1  internal failure, or the daemon did not stop within 2 s; kme probe: a step failed
  2  configuration, machine or command line: one line each on standard error`;

/**
 * Runs the command line; ends the process where it fails, and never rejects.
 *
 * @param argv - as process.argv
 */
export async function main(argv: readonly string[]): Promise<void> {
  outliveReaders();
  try {
    await commandLine().parseAsync(argv);
  } catch (error) {
    // Not by process.exitCode: what half a daemon left open would keep the process alive.
    process.exit(error instanceof CommanderError ? usageExit(error) : explainFailure(error));
  }
}

function commandLine(): Command {
  const program = new Command('qupskd')
    .description(
      'Takes keys from a QKD device (ETSI GS QKD 014) and keeps a PSK with a peer fresh.',
    )
    .version(manifest.version)
    .helpCommand(false)
    .addHelpText('after', NOTES)
    .exitOverride();
  program
    .command('run', { isDefault: true })
    .description('run the daemon (this is what qupskd does without a command)')
    .argument('[FILE]', 'configuration')
    .action(async (file: string | undefined) => {
      const { run } = await import('./run.ts');
      await run(configFile(file));
      // What a library left open must not keep a stopped daemon alive.
      process.exit(EXIT.done);
    });
  program
    .command('check')
    .description('check a configuration, and that this machine can run it')
    .argument('[FILE]', 'configuration')
    .action(async (file: string | undefined) => {
      const { check } = await import('./check.ts');
      await check(configFile(file));
    });
  program.command('genpsk').description('print a random psk: 32 bytes as base64').action(genpsk);
  addKmeProbe(
    program
      .command('kme')
      .description('kme probe: how the KMEs of a configuration want to be asked')
      .helpCommand(false),
  );
  return program;
}

function addKmeProbe(kme: Command): void {
  kme
    .command('probe')
    .description('call the KME of each link step by step: reach, TLS, Get status, Get key')
    .argument('[FILE]', 'configuration')
    .option('--link <name>', 'only the KME of this link')
    .option('--as <file>', "the other end's configuration: get the key at its KME too")
    .option('--no-key', 'spend no key: leave out Get key')
    .option('--json', 'one JSON document instead of text')
    .action(async (file: string | undefined, options: ProbeArguments) => {
      const { probe } = await import('./probe.ts');
      process.exit(await probe(configFile(file), options));
    });
}

function configFile(argument: string | undefined): string {
  return argument || process.env['QUPSKD_CONFIG_FILE'] || DEFAULT_FILE;
}

/** Commander has printed what there was to print: the help, the version, or what is wrong. */
function usageExit(error: CommanderError): number {
  return error.exitCode === 0 ? EXIT.done : EXIT.configuration;
}
