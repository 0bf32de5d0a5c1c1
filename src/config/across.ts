/**
 * How the tables of a configuration go together: links with each other, and each with [listen].
 *
 * Works on what could be read, so that a refused value elsewhere hides nothing here.
 */
import { resolve } from 'node:path';
import { isLoopbackHost, isLoopbackUrl } from '../loopback.ts';
import type { Report } from './problem.ts';
import type { ReadLink } from './read-link.ts';
import type { Config, ListenConfig, SinkConfig } from './types.ts';

export interface Whole {
  readonly form: Config['form'];
  /** null: not given; undefined: refused. */
  readonly localSaeId: string | null | undefined;
  readonly listen: ListenConfig | undefined;
  readonly links: readonly ReadLink[];
}

/** Reports what contradicts or endangers something else in the same configuration. */
export function checkAcross({ form, localSaeId, listen, links }: Whole, report: Report): void {
  if (localSaeId === null && links.some(({ protocol }) => protocol === 2)) {
    const remedy =
      'Add local_SAE_ID = "sae_alice", or protocol = 1 to talk to the original quPSKd.';
    report.problem('local_SAE_ID', 'is missing: protocol 2 names both ends.', remedy);
  }
  for (const link of links) {
    if (typeof localSaeId === 'string' && link.remoteSaeId === localSaeId) {
      const remedy = 'Write the SAE ID of the other end.';
      report.problem(`${link.path}.remote_SAE_ID`, 'is the same as local_SAE_ID.', remedy);
    }
    if (link.protocol === 1) warnOfProtocol1(link, form, report);
    checkAuthentication(link, listen, report);
  }
  checkDuplicates(links, report);
}

function warnOfProtocol1(link: ReadLink, form: Config['form'], report: Report): void {
  const lines = form === 'flat' ? 'protocol = 2 and local_SAE_ID = "…"' : 'protocol = 2';
  report.warning(
    `${link.path}.protocol`,
    'protocol 1 has no identity, no authentication and no confirmation: the two ends can drift ' +
      'apart unseen, and anybody who reaches the port can break the link.',
    `Where the other end is this quPSKd too, write at both ends: ${lines}.`,
  );
}

function checkAuthentication(
  { path, protocol, psk, tls, url }: ReadLink,
  listen: ListenConfig | undefined,
  report: Report,
): void {
  if (psk === undefined || listen === undefined || url === undefined) return;
  if (psk.length > 0) return;
  const isMutualTls = url.startsWith('https:') && tls.cert !== null && listen.tls !== null;
  const staysOnMachine = isLoopbackHost(listen.host) && isLoopbackUrl(url);
  if (isMutualTls || staysOnMachine) return;
  const remedy = 'Add psk or psk_file, the same at both ends (see qupskd genpsk).';
  if (protocol === 1) {
    const message = 'is missing: the PSKs rest on the QKD keys alone.';
    report.warning(`${path}.psk`, message, remedy);
  } else if (protocol === 2) {
    const message = 'is missing: without it or mutual TLS the peer could be anybody.';
    report.problem(`${path}.psk`, message, remedy);
  }
}

function checkDuplicates(links: readonly ReadLink[], report: Report): void {
  const names = new Map<string, string>();
  const remotes = new Map<string, string>();
  const targets = new Map<string, string>();
  const claim = (claimed: Map<string, string>, value: string | undefined, path: string): void => {
    if (value === undefined) return;
    const owner = claimed.get(value);
    if (owner === undefined) claimed.set(value, path);
    else report.problem(path, `collides with ${owner}.`, 'Each link needs its own.');
  };
  for (const { path, name, remoteSaeId, sinks } of links) {
    claim(names, name, `${path}.name`);
    claim(remotes, remoteSaeId, `${path}.remote_SAE_ID`);
    for (const [index, sink] of sinks.entries()) {
      claim(targets, sink && targetOf(sink), `${path}.sink[${index}]`);
    }
  }
}

/** What a sink writes to; a command may serve any number of links, so it claims nothing. */
function targetOf(sink: SinkConfig): string | undefined {
  switch (sink.type) {
    case 'file':
      return `file ${resolve(sink.path)}`;
    case 'wireguard':
    case 'wg-set-psk':
      return `peer ${sink.interface} ${sink.publicKey}`;
    case 'strongswan-ppk':
      return `connection ${resolve(sink.socket)} ${sink.connection}`;
    case 'command':
      return undefined;
  }
}
