/**
 * What can only be seen on the machine: whether a right configuration can work here and now.
 *
 * Looks and leaves nothing behind: the port is opened and closed again, no folder is made, no program
 * is started but `wg show`. Called before anything of the daemon starts.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, dirname, join, resolve } from 'node:path';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { listenOn, stopListening } from '../listen.ts';
import { WireguardDevices } from '../wireguard/devices.ts';
import { checkStrongswanSink } from './check-strongswan.ts';
import { keyNames } from './flat.ts';
import { type Problem, Report } from './problem.ts';
import type {
  Config,
  LinkConfig,
  ListenConfig,
  SinkConfig,
  WgSetPskSinkConfig,
  WireguardSinkConfig,
} from './types.ts';

const NEVER = new AbortController().signal;

export interface Surroundings {
  /** The daemon of this configuration runs: a port in use is its own. */
  readonly daemonRuns?: boolean;
  /** Replaced in tests only. */
  readonly wireguard?: WireguardDevices;
}

/**
 * Checks ports, files, folders, programs, and the peers of WireGuard interfaces.
 *
 * @returns problems with the code `ERR_CONFIG_ENVIRONMENT`, in the order of the configuration
 */
export async function checkEnvironment(
  config: Config,
  { daemonRuns = false, wireguard = new WireguardDevices() }: Surroundings = {},
): Promise<readonly Problem[]> {
  const report = new Report(config.file, keyNames(config.form));
  await checkPortsOf(config, report, daemonRuns);
  await checkAuditOf(config, report);
  await checkSinksOf(new Set(config.links), config, wireguard, report);
  return report.problems;
}

/**
 * Checks the ports alone.
 *
 * @param daemonRuns - the daemon of this configuration runs: a port in use is its own
 * @returns as checkEnvironment
 */
export async function checkPorts(config: Config, daemonRuns: boolean): Promise<readonly Problem[]> {
  const report = new Report(config.file, keyNames(config.form));
  await checkPortsOf(config, report, daemonRuns);
  return report.problems;
}

/** Checks the file of the audit log alone; see checkEnvironment. */
export async function checkAudit(config: Config): Promise<readonly Problem[]> {
  const report = new Report(config.file, keyNames(config.form));
  await checkAuditOf(config, report);
  return report.problems;
}

/**
 * Checks the sinks of some links of a configuration, for a daemon that runs and needs nothing else.
 *
 * @param links - those of the configuration that are to start
 * @param wireguard - of the daemon, whose own operations wait meanwhile
 * @returns as checkEnvironment
 */
export async function checkSinks(
  links: ReadonlySet<LinkConfig>,
  config: Config,
  wireguard: WireguardDevices,
): Promise<readonly Problem[]> {
  const report = new Report(config.file, keyNames(config.form));
  await checkSinksOf(links, config, wireguard, report);
  return report.problems;
}

async function checkPortsOf(
  { listen, metrics, dashboard }: Config,
  report: Report,
  mayBeInUse: boolean,
): Promise<void> {
  await checkListen(listen, 'listen', report, mayBeInUse);
  if (metrics !== null) await checkListen(metrics, 'metrics', report, mayBeInUse);
  if (dashboard !== null) await checkListen(dashboard, 'dashboard', report, mayBeInUse);
}

async function checkAuditOf({ audit }: Config, report: Report): Promise<void> {
  if (audit !== null) await checkAuditFile(audit.file, report);
}

async function checkSinksOf(
  links: ReadonlySet<LinkConfig>,
  config: Config,
  wireguard: WireguardDevices,
  report: Report,
): Promise<void> {
  for (const [linkIndex, link] of config.links.entries()) {
    if (!links.has(link)) continue;
    for (const [sinkIndex, sink] of link.sinks.entries()) {
      await checkSink(sink, `link[${linkIndex}].sink[${sinkIndex}]`, wireguard, report);
    }
  }
}

function reportHere(report: Report, path: string, message: string, remedy: string): void {
  report.problem(path, message, remedy, 'ERR_CONFIG_ENVIRONMENT');
}

async function checkListen(
  { host, port }: Pick<ListenConfig, 'host' | 'port'>,
  path: 'listen' | 'metrics' | 'dashboard',
  report: Report,
  mayBeInUse: boolean,
): Promise<void> {
  const code = await tryListen(host, port);
  switch (code) {
    case undefined:
      return;
    case 'EADDRINUSE': {
      if (mayBeInUse) return;
      const remedy =
        'Stop what listens there (it may be this daemon, running), or take another port.';
      return reportHere(report, `${path}.port`, 'is in use.', remedy);
    }
    case 'EACCES': {
      const message = 'may not be opened by this user.';
      const remedy = 'Take a port above 1023, or grant CAP_NET_BIND_SERVICE.';
      return reportHere(report, `${path}.port`, message, remedy);
    }
    default: {
      const message = `is not a name or address of this machine (${code}).`;
      const remedy = 'Write an address that this machine has, or "0.0.0.0" for all.';
      return reportHere(report, `${path}.host`, message, remedy);
    }
  }
}

/** @returns undefined, or the code of the error */
async function tryListen(host: string, port: number): Promise<string | undefined> {
  try {
    const { servers } = await listenOn(host, port, createServer);
    await Promise.all(servers.map(stopListening));
    return undefined;
  } catch (error) {
    return errorCode(error);
  }
}

async function checkSink(
  sink: SinkConfig,
  path: string,
  wireguard: WireguardDevices,
  report: Report,
): Promise<void> {
  switch (sink.type) {
    case 'file':
      return checkFileSink(sink.path, `${path}.path`, report);
    case 'wireguard':
      return checkWireguardSink(sink, path, wireguard, report);
    case 'wg-set-psk':
      await checkSinkProgram(sink, path, report);
      return;
    case 'strongswan-ppk':
      return checkStrongswanSink(sink, path, report);
    case 'command':
      await checkProgram(sink.argv[0], 'the program', `${path}.argv`, report);
      return;
  }
}

/** Whoever may read a peer may change it as well: the system asks for the same rights. */
async function checkWireguardSink(
  sink: WireguardSinkConfig,
  path: string,
  wireguard: WireguardDevices,
  report: Report,
): Promise<void> {
  const isProgramNeeded = (await wireguard.wayTo(sink)) === 'wg';
  if (isProgramNeeded && !(await checkSinkProgram(sink, path, report))) return;
  try {
    const peer = await wireguard.use(sink, NEVER, (device) => device.read(sink.publicKey, NEVER));
    peer?.psk?.wipe();
    if (peer !== null) return;
    const message = `is of no peer that the interface ${sink.interface} has.`;
    const remedy = 'Add the peer to the interface, or write the key that `wg show` prints.';
    reportHere(report, `${path}.public_key`, message, remedy);
  } catch (error) {
    if (!(error instanceof QupskdError)) throw error;
    const remedy = error.remedy ?? 'See that the interface works.';
    reportHere(report, `${path}.interface`, `${error.message}.`, remedy);
  }
}

/** @returns whether it is there */
function checkSinkProgram(
  { type, program }: WireguardSinkConfig | WgSetPskSinkConfig,
  path: string,
  report: Report,
): Promise<boolean> {
  return checkProgram(program, `the program of a ${type} sink`, `${path}.program`, report);
}

async function checkFileSink(file: string, path: string, report: Report): Promise<void> {
  if ((await kindOf(file)) === 'folder') {
    return reportHere(report, path, 'is a folder.', 'Write the path of a file in it.');
  }
  const folder = await nearestExisting(dirname(resolve(file)));
  if ((await kindOf(folder)) !== 'folder') {
    const message = 'lies below something that is not a folder.';
    return reportHere(report, path, message, 'Write another path.');
  }
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch {
    const message = 'lies in a folder that this user cannot write to.';
    reportHere(
      report,
      path,
      message,
      'Give the user of quPSKd write access, or write another path.',
    );
  }
}

/** Its folder is not made: who keeps records decides where they are, and who may read them. */
async function checkAuditFile(file: string, report: Report): Promise<void> {
  const path = 'audit.file';
  const kind = await kindOf(file);
  if (kind === 'folder') {
    return reportHere(report, path, 'is a folder.', 'Write the path of a file in it.');
  }
  const [target, mode] =
    kind === 'file'
      ? [file, constants.W_OK | constants.R_OK]
      : [dirname(resolve(file)), constants.W_OK | constants.X_OK];
  try {
    await access(target, mode);
  } catch (error) {
    const message = `cannot be written by this user (${errorCode(error)}).`;
    const remedy = 'Make its folder, and give the user of quPSKd write access.';
    reportHere(report, path, message, remedy);
  }
}

async function nearestExisting(folder: string): Promise<string> {
  let candidate = folder;
  // Ends at the root, which always exists.
  while ((await kindOf(candidate)) === undefined && dirname(candidate) !== candidate) {
    candidate = dirname(candidate);
  }
  return candidate;
}

/** @returns undefined where there is nothing, or nothing that may be looked at */
async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return undefined;
  }
}

/** @returns whether it is there */
async function checkProgram(
  program: string,
  what: string,
  path: string,
  report: Report,
): Promise<boolean> {
  const folders = program.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter);
  for (const folder of folders) {
    const candidate = program.includes('/') ? program : join(folder, program);
    if (await isExecutable(candidate)) return true;
  }
  const message = `${what} is not there, or may not be run by this user.`;
  reportHere(report, path, message, 'Install it, or write its full path.');
  return false;
}

async function isExecutable(file: string): Promise<boolean> {
  if ((await kindOf(file)) !== 'file') return false;
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
