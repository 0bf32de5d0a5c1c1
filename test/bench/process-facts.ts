/** What Linux says of a process and of the machine. */
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** USER_HZ: what /proc counts in, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const KIB_PER_MIB = 1_024;
const BYTES_PER_MIB = 1_024 * 1_024;

/** File systems that a key folder is likely to be on, by their magic numbers in hexadecimal. */
const FILE_SYSTEMS: Readonly<Record<string, string>> = {
  ef53: 'ext4',
  '1021994': 'tmpfs',
  '58465342': 'xfs',
  '9123683e': 'btrfs',
  '794c7630': 'overlayfs',
};

export interface ProcessReading {
  /** CPU time that it has used, user and system, in steps of 10 ms. */
  readonly cpuMs: number;
  /** Resident memory, now and at its highest. */
  readonly memoryMib: { readonly now: number; readonly peak: number };
}

/** What /proc tells of a process; null where there is no /proc: only Linux has it. */
export function readProcess(pid: number): ProcessReading | null {
  if (process.platform !== 'linux') return null;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold blanks. After it: state is field 3, utime 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuMs = ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / KIB_PER_MIB;
  return { cpuMs, memoryMib: { now: mib('VmRSS'), peak: mib('VmHWM') } };
}

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMib: number;
  readonly kernel: string;
  readonly node: string;
  readonly fileSystem: string;
}

/** @param folder - where the key files are */
export function machineFacts(folder: string): MachineFacts {
  const fileSystem = statfsSync(folder).type.toString(16);
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMib: Math.round(totalmem() / BYTES_PER_MIB),
    kernel: release(),
    node: process.version,
    fileSystem: FILE_SYSTEMS[fileSystem] ?? `0x${fileSystem}`,
  };
}

/** Processes that want a core, on average over the last minute. */
export function load(): number {
  return loadavg()[0] ?? Number.NaN;
}
