/**
 * The command line: arguments in, exit code out.
 *
 * Sub-commands are loaded when they run, so that `--help`, `--version` and `genpsk` load nothing of
 * the daemon.
 */
import { Command, CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { outliveReaders } from '../output.ts';
import type { DoctorArguments } from './doctor.ts';
import { EXIT, explainFailure, STATUS_EXIT } from './exit.ts';
import { genpsk } from './genpsk.ts';
import type { ProbeArguments } from './probe.ts';
import type { ReloadArguments } from './reload.ts';
import type { StatusArguments } from './status.ts';
import { leaveOutWebAssembly } from './without-compiler.ts';

const DEFAULT_FILE = '/etc/qupskd.toml';

const NOTES = `
FILE is a TOML file. Without it: the environment variable QUPSKD_CONFIG_FILE, else ${DEFAULT_FILE}.

Exit codes:
  0  done; the daemon was ended by SIGTERM or SIGINT
  1  internal failure, or no stop within 2 s; kme probe: a step failed; doctor: something is
     wrong; audit verify: not whole
  2  configuration, machine or command line: one line each on standard error
qupskd status and qupskd reload have their own: see their --help.`;

const RELOAD_NOTES = `
Links are added, removed and changed; every other link goes on undisturbed. SIGHUP does the same.

Exit codes:
  0  done; what changed is printed
  1  internal failure: see the log of the daemon
  2  refused: a line for each problem on standard error; the daemon goes on as before
  3  no daemon answers`;

const STATUS_NOTES = `
Exit codes:
  0  every link is protected, or as good as its sinks can tell
  1  degraded: nothing is lost yet
  2  not protected: a link has no agreed PSK in force
  3  no daemon answers`;

/**
 * Runs the command line; ends the process where it fails, and never rejects.
 *
 * @param argv - as process.argv
 */
export async function main(argv: readonly string[]): Promise<void> {
  leaveOutWebAssembly();
  outliveReaders();
  try {
    await commandLine().parseAsync(argv);
  } catch (error) {
    // Not by process.exitCode: what half a daemon left open would keep the process alive.
    process.exit(error instanceof CommanderError ? usageExit(error) : explainFailure(error));
  }
}

/** Every command with its options, to be parsed; commander throws, after it has printed. */
export function commandLine(): Command {
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
  addReload(program);
  addStatus(program);
  addDoctor(program);
  addAudit(program);
  program.command('genpsk').description('print a random psk: 32 bytes as base64').action(genpsk);
  addKmeProbe(
    program
      .command('kme')
      .description('kme probe: how the KMEs of a configuration want to be asked')
      .helpCommand(false),
  );
  return program;
}

function addReload(program: Command): void {
  program
    .command('reload')
    .description('make the running daemon take what its configuration says now')
    .argument('[FILE]', 'configuration of the daemon')
    .option('--socket <path>', 'the control socket of the daemon')
    .addHelpText('after', RELOAD_NOTES)
    .action(async (file: string | undefined, options: ReloadArguments) => {
      const { reload } = await import('./reload.ts');
      process.exit(await reload(configFile(file), options));
    });
}

function addStatus(program: Command): void {
  program
    .command('status')
    .description('how the links of the running daemon are: protected, and if not, why')
    .argument('[FILE]', 'configuration of the daemon')
    .option('--json', 'one JSON document instead of text')
    .option('--watch', 'go on looking, until Ctrl-C')
    .option('--socket <path>', 'the control socket of the daemon')
    .addHelpText('after', STATUS_NOTES)
    .exitOverride(({ exitCode }) => process.exit(exitCode && STATUS_EXIT['no daemon']))
    .action(async (file: string | undefined, options: StatusArguments) => {
      const { status } = await import('./status.ts');
      // A failure of this program says nothing of the links.
      const code = await status(configFile(file), options).catch((error: unknown) => {
        explainFailure(error);
        return STATUS_EXIT['no daemon'];
      });
      process.exit(code);
    });
}

function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('why a pair does not rotate: the first thing that is wrong, and what to do')
    .argument('[FILE]', 'configuration')
    .option('--link <name>', 'only this link')
    .option('--spend-key', 'ask each KME for a key too, which is lost')
    .option('--json', 'one JSON document instead of text')
    .action(async (file: string | undefined, options: DoctorArguments) => {
      const { doctor } = await import('./doctor.ts');
      process.exit(await doctor(configFile(file), options));
    });
}

function addAudit(program: Command): void {
  program
    .command('audit')
    .description('audit verify: whether the audit log is whole')
    .helpCommand(false)
    .command('verify')
    .description('prove that audit files are whole, and that no key_ID was committed twice')
    .argument('<FILE...>', 'files that follow each other, the oldest first')
    .option('--anchor <hash>', 'a hash that was kept elsewhere: a record must have it')
    .action(async (files: string[], { anchor }: { readonly anchor?: string }) => {
      const { auditVerify } = await import('./audit.ts');
      process.exit(await auditVerify(files, anchor));
    });
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
