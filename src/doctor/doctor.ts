/**
 * Why does this pair not rotate? Goes the way of a rotation from the file to the tunnel, and names the
 * first thing that is wrong.
 *
 * It works beside the daemon and without it, and disturbs neither end: what it sends changes
 * nothing there, and it takes no key unless it is told to.
 */
import { checkSinks } from '../config/environment.ts';
import type { Config, LinkConfig } from '../config/types.ts';
import type { DaemonReport } from '../status/report.ts';
import { WireguardDevices } from '../wireguard/devices.ts';
import { helloChecks } from './hello-checks.ts';
import { certificatesCheck, configurationCheck, filesCheck, portsCheck } from './host-checks.ts';
import { kmeCheck } from './kme-check.ts';
import { reachPeer } from './reach.ts';
import { type Check, ofProblems, ok, type Verdict, warning, wrong } from './report.ts';

/** Below this no certificate is held for ended, or not yet valid, that is not about to be so. */
const CLOCKS_APART_MS_MAX = 120_000;
const SECOND_MS = 1_000;

export interface DoctorOptions {
  /** Of this program. */
  readonly version: string;
  readonly config: Config;
  /** What the daemon of this configuration says; null where none answers. */
  readonly daemon: DaemonReport | null;
  /** Whether each KME may be asked for a key. */
  readonly spendsKey: boolean;
  /** Those of the configuration that are to be examined. */
  readonly links: readonly LinkConfig[];
}

type Step = () => readonly Verdict[] | Promise<readonly Verdict[]>;

/** Makes the checks one after the other; those of the host, and of each link, end with what is wrong. */
export async function* examine(options: DoctorOptions): AsyncGenerator<Check> {
  const { config, daemon, links } = options;
  let isHostWell = true;
  for await (const verdict of upToTheFirstWrong([
    () => configurationCheck(config),
    () => filesCheck(config),
    () => certificatesCheck(config, Date.now()),
    () => portsCheck(config, daemon),
  ])) {
    yield { ...verdict, link: null };
    if (verdict.result === 'wrong') isHostWell = false;
  }
  if (!isHostWell) return;
  for (const link of links) {
    for await (const verdict of upToTheFirstWrong(stepsOf(link, options))) {
      yield { ...verdict, link: link.name };
    }
  }
}

async function* upToTheFirstWrong(steps: readonly Step[]): AsyncGenerator<Verdict> {
  for (const step of steps) {
    for (const verdict of await step()) {
      yield verdict;
      if (verdict.result === 'wrong') return;
    }
  }
}

function stepsOf(
  link: LinkConfig,
  { version, config, daemon, spendsKey }: DoctorOptions,
): readonly Step[] {
  let clockAheadMs: number | null = null;
  return [
    () => kmeCheck(link, spendsKey),
    async () => {
      const reached = await reachPeer(link, config.listen);
      ({ clockAheadMs } = reached);
      return [reached.verdict];
    },
    () => helloChecks(link, version),
    () => sinksCheck(link, config),
    () => clockCheck(link, config, clockAheadMs),
    () => [rotationCheck(link, daemon)],
  ];
}

async function sinksCheck(link: LinkConfig, config: Config): Promise<readonly Verdict[]> {
  const devices = new WireguardDevices();
  const problems = ofProblems('sinks', await checkSinks(new Set([link]), config, devices));
  if (problems.length > 0) return problems;
  return [ok('sinks', link.sinks.map(({ type }) => type).join(', '))];
}

/** Time of day matters for certificates alone. */
export function clockCheck(
  { tls, kme }: Pick<LinkConfig, 'tls'> & { readonly kme: Pick<LinkConfig['kme'], 'urls'> },
  { listen }: { readonly listen: Pick<Config['listen'], 'tls'> },
  aheadMs: number | null,
): readonly Verdict[] {
  const isTls = tls !== null || listen.tls !== null || kme.urls.some(isSecure);
  if (!isTls || aheadMs === null) return [];
  const apartS = Math.round(Math.abs(aheadMs) / SECOND_MS);
  if (Math.abs(aheadMs) <= CLOCKS_APART_MS_MAX) {
    return [ok('clock', `${apartS} s from that of the peer`)];
  }
  const which = aheadMs > 0 ? 'behind' : 'ahead of';
  const text = `The clock of this host is ${apartS} s ${which} that of the peer.`;
  const remedy = 'Set both by NTP: certificates may be held for ended, or not valid yet.';
  return [warning('clock', text, remedy)];
}

/** What the daemon itself says of the link: whatever else may keep it from rotating. */
export function rotationCheck(
  { name }: Pick<LinkConfig, 'name'>,
  daemon: DaemonReport | null,
): Verdict {
  if (daemon === null) {
    const text = 'No daemon of this configuration answers here, so that nothing rotates.';
    return warning('rotation', text, 'Start it; see qupskd status if it runs.');
  }
  const link = daemon.links.find((report) => report.name === name);
  if (link === undefined) {
    const text = 'The daemon that runs has no link of this name.';
    return wrong('rotation', text, 'Let it read its configuration again: restart it.');
  }
  if (link.verdict === 'protected') return ok('rotation', link.reason);
  const remedies = link.errors.flatMap(({ remedy }) => remedy ?? []);
  return wrong('rotation', link.reason, remedies.at(-1) ?? 'See qupskd status, and the log.');
}

function isSecure(url: string): boolean {
  return new URL(url).protocol === 'https:';
}
