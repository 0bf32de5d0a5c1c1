/** What this end needs whatever its links do: files, certificates, ports. */
import { X509Certificate } from 'node:crypto';
import { checkAudit, checkPorts } from '../config/environment.ts';
import type { Config, TlsConfig } from '../config/types.ts';
import { readRegularFile } from '../regular-file.ts';
import type { DaemonReport } from '../status/report.ts';
import { ofProblems, ok, type Verdict, warning, wrong } from './report.ts';

/** What was read is in order; what is allowed but weak was noted meanwhile. */
export function configurationCheck({ links, warnings }: Config): readonly Verdict[] {
  const count = links.length === 1 ? '1 link' : `${links.length} links`;
  return [
    ok('configuration', count),
    ...warnings.map((text) => warning('configuration', text, null)),
  ];
}

/** The files that the configuration names were read with it; the audit log is still to be written. */
export async function filesCheck(config: Config): Promise<readonly Verdict[]> {
  const problems = ofProblems('files', await checkAudit(config));
  return problems.length > 0
    ? problems
    : [ok('files', 'readable, with the rights they should have')];
}

/**
 * The certificates that this end shows: whether they are valid by the clock of this host.
 *
 * @param nowMs - time of day
 */
export function certificatesCheck(config: Config, nowMs: number): readonly Verdict[] {
  const files = certificateFiles(config);
  const faults = files.flatMap((file) => faultOf(file, nowMs));
  if (faults.length > 0) return faults;
  return files.length === 0 ? [] : [ok('certificates', 'valid by the clock of this host')];
}

/** @param daemon - what the daemon of this configuration says; null where none answers */
export async function portsCheck(
  config: Config,
  daemon: DaemonReport | null,
): Promise<readonly Verdict[]> {
  const problems = ofProblems('ports', await checkPorts(config, daemon !== null));
  if (problems.length > 0) return problems;
  const { host, port } = config.listen;
  const user =
    daemon === null
      ? 'free: no daemon of this configuration runs'
      : `in use by the daemon, pid ${daemon.pid}`;
  return [ok('ports', `${host} port ${port}: ${user}`)];
}

function certificateFiles({ listen, links }: Config): readonly string[] {
  const all: readonly (TlsConfig | null)[] = [
    listen.tls,
    ...links.flatMap(({ tls, kme }) => [tls, kme.tls]),
  ];
  return [...new Set(all.flatMap((tls) => tls?.cert ?? []))];
}

function faultOf(file: string, nowMs: number): readonly Verdict[] {
  const read = readRegularFile(file);
  if (typeof read === 'string') {
    return [wrong('certificates', `${file} ${read}.`, 'Check its path and permissions.')];
  }
  const { validFrom, validTo } = new X509Certificate(read.bytes);
  const remedy = 'Have it renewed, or see that the clock of this host is right.';
  if (Date.parse(validTo) <= nowMs) {
    return [wrong('certificates', `The certificate ${file} has ended (${validTo}).`, remedy)];
  }
  if (Date.parse(validFrom) <= nowMs) return [];
  return [
    wrong('certificates', `The certificate ${file} is not valid yet (${validFrom}).`, remedy),
  ];
}
