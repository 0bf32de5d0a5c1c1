/**
 * No secret leaves a program but through a sink: keys and a psk are planted, and everything that the
 * programs print, answer, send or write is searched for them and for all that is derived from them.
 *
 * The programs go through agreement, rotation and every error that handles a secret. What is
 * searched and what is exempt stands in `collect`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AnyActor, InspectionEvent } from 'xstate';
import { loadConfig } from '../src/config/load.ts';
import { type Daemon, startDaemon } from '../src/daemon.ts';
import { createLog } from '../src/log.ts';
import { authKey } from '../src/psk/auth-key.ts';
import { firstPsk } from '../src/psk/schedule-1.ts';
import { firstChainKey } from '../src/psk/schedule-2.ts';
import { Secret } from '../src/secret.ts';
import type { TomlTable } from './support/programs/toml.ts';
import { agreement, psksOf, wirePair } from './support/programs/wired-link.ts';
import { Programs } from './support/programs.ts';
import type { Message } from './support/proxy.ts';
import { derivedIn } from './support/secrets/chain-keys.ts';
import { FakeKme, KEY_MARK } from './support/secrets/fake-kme.ts';
import { MISDEEDS, OTHER_KEY } from './support/secrets/misdeeds.ts';
import { PLANTED_PSK, PlantedPair } from './support/secrets/planted-pair.ts';
import { SecretSearch } from './support/secrets/search.ts';
import { askAsStranger } from './support/secrets/strangers.ts';

const AGREEMENT_MS_MAX = 10_000;

/** Configurations that are wrong where the psk stands, or have it where it does not belong. */
const BROKEN_CONFIGS: Readonly<Record<string, string>> = {
  'a psk without quotes': `psk = ${PLANTED_PSK}`,
  'a psk twice': `psk = "${PLANTED_PSK}"\npsk = "${PLANTED_PSK}"`,
  'a psk that is a list': `alias = "bob"\npsk = ["${PLANTED_PSK}"]`,
  'a psk without its end quote': `alias = "bob"\npsk = "${PLANTED_PSK}\nkey_folder = "psk"`,
  'the psk in every other key': [
    'qupskd_bind',
    'qupskd_port',
    'etsi_url',
    'remote_qupskd_url',
    'key_folder',
    'alias',
    'psk_file',
    'wireguard_public_key',
    'remote_SAE_ID',
    'local_SAE_ID',
    'cacert',
    'cert',
    'key',
    'protocol',
    'interval',
    'max_key_age',
    'on_expiry',
    'kme_method',
    'wireguard_interface',
    'allow',
    'log',
    'control',
    'dashboard',
  ]
    .map((key) => `${key} = "${PLANTED_PSK} "`)
    .join('\n'),
};

/** Where a secret might come out. */
const SOURCES = [
  'what the programs print',
  'messages between the daemons',
  'requests to the KME',
  'answers to strangers',
  'metrics',
  'answers of the dashboard',
  'answers at the control socket',
  'command lines and environments of the daemons',
  'command lines and environments of the programs that sinks run',
  'files, but for key files and configurations',
] as const;
type Evidence = Readonly<Record<(typeof SOURCES)[number], Buffer>>;

let programs: Programs;
const pairs: PlantedPair[] = [];
const search = new SecretSearch();
let evidence: Evidence;

beforeAll(async () => {
  programs = await Programs.build();
  for (const protocol of [2, 1] as const) pairs.push(await PlantedPair.start(programs, protocol));
  await Promise.all(pairs.map(goThroughEverything));
  await checkBrokenConfigs();
  evidence = await collect();
  plantAll();
});

afterAll(async () => {
  await programs.close();
  await Promise.all(pairs.map(({ kme }) => kme.close()));
});

async function goThroughEverything(planted: PlantedPair, index: number): Promise<void> {
  await planted.rotate(2);
  for (const misdeed of MISDEEDS) await planted.suffer(misdeed);
  // Protocol 1 has no confirmations: nobody would notice that the keys differ.
  if (index === 0) await planted.suffer(OTHER_KEY);
  await planted.rotate(1);
}

async function checkBrokenConfigs(): Promise<void> {
  for (const [index, [what, text]] of Object.entries(BROKEN_CONFIGS).entries()) {
    const file = join(programs.folder, `broken-${index}.toml`);
    writeFileSync(file, text, { mode: 0o600 });
    const { code } = await programs.qupskd(['check', file]).ended();
    if (code !== 2) throw new Error(`"${what}" ended with ${code}`);
  }
}

/** Everything that comes out of the programs. */
async function collect(): Promise<Evidence> {
  const sites = pairs.flatMap(({ pair }) => [pair.alice, pair.bob]);
  const answers = sites.map(async ({ port }) => await askAsStranger(port, PLANTED_PSK));
  const toStrangers = (await Promise.all(answers)).flat();
  const metrics = await Promise.all(
    pairs.map(async ({ metricsPort }) => {
      const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      return await answer.text();
    }),
  );
  const dashboards = (await Promise.all(pairs.map(askDashboard))).flat();
  const toOperators = await Promise.all(
    sites.flatMap((site) => [site.control('POST', '/reload'), site.control('GET', '/status')]),
  );
  const ofDaemons = sites.flatMap(({ process: { pid } }) => [
    readFileSync(`/proc/${pid}/cmdline`),
    readFileSync(`/proc/${pid}/environ`),
  ]);
  for (const { process } of sites) process.kill('SIGTERM');
  await Promise.all(sites.map(({ process }) => process.ended()));

  const messages = pairs.map((planted) => planted.messages);
  return {
    'what the programs print': joined(programs.all.map(({ stdout, stderr }) => stdout + stderr)),
    'messages between the daemons': joined(
      messages.flatMap(({ ofPeers }) => ofPeers.flatMap(whole)),
    ),
    'requests to the KME': joined(messages.flatMap(({ toKme }) => toKme.flatMap(requestOf))),
    'answers to strangers': joined(toStrangers),
    metrics: joined(metrics),
    'answers of the dashboard': joined(dashboards),
    'answers at the control socket': joined(toOperators),
    'command lines and environments of the daemons': joined(ofDaemons),
    'command lines and environments of the programs that sinks run': joined(
      pairs.map(({ seenByPrograms }) => readFileSync(seenByPrograms)),
    ),
    'files, but for key files and configurations': joined(filesOfDaemons()),
  };
}

/** With its own token: what the page is told at first, and what a script is. */
async function askDashboard({ pair, dashboardPort }: PlantedPair): Promise<readonly Part[]> {
  const token = readFileSync(pair.alice.socket.replace(/sock$/, 'dashboard-token'), 'utf8').trim();
  const headers = { Authorization: `Bearer ${token}` };
  const ask = (path: string) => fetch(`http://127.0.0.1:${dashboardPort}${path}`, { headers });
  const reader = (await ask('/api/events')).body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return [Buffer.from(first?.value ?? []), await (await ask('/api/report')).text()];
}

/** Names and contents; exempt is what the test wrote itself, and where the PSKs should be. */
function filesOfDaemons(): readonly Part[] {
  const exempt = /^(dist|src|recorder\.sh|installed-\d|.*\.toml|.*\/psk\/link\.key)$|^dist\//;
  const entries = readdirSync(programs.folder, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
    .filter(({ path }) => !exempt.test(path.slice(programs.folder.length + 1)))
    .flatMap(({ entry, path }) => [path, entry.isFile() ? readFileSync(path) : '']);
}

type Part = Buffer | string;

function whole(message: Message): readonly Part[] {
  const { status, headers, body } = message.answer ?? { status: 0, headers: {}, body: '' };
  return [...requestOf(message), `${status} ${JSON.stringify(headers)}`, body];
}

function requestOf({ method, path, headers, body }: Message): readonly Part[] {
  return [`${method} ${path} ${JSON.stringify(headers)}`, body];
}

function joined(parts: readonly Part[]): Buffer {
  return Buffer.concat(parts.flatMap((part) => [Buffer.from(part), Buffer.from('\n')]));
}

/** Names every secret that there was. */
function plantAll(): void {
  search.add('the psk', Buffer.from(PLANTED_PSK));
  search.add('a QKD key', KEY_MARK);
  search.add('the first chain key of protocol 2', firstChainKey(Buffer.from(PLANTED_PSK)));
  search.add('the first PSK of protocol 1', Buffer.from(firstPsk(PLANTED_PSK), 'base64'));
  for (const [from, to] of [
    ['sae_alice', 'sae_bob'],
    ['sae_bob', 'sae_alice'],
  ] as const) {
    const key = authKey(Secret.fromUtf8(PLANTED_PSK), from, to).reveal();
    search.add(`the key that authenticates messages of ${from}`, key);
  }
  for (const { psks } of pairs) for (const psk of psks) search.add('a PSK', psk);
  for (const { chainKey } of derivedOfProtocol2()) search.add('a chain key', chainKey);
}

function derivedOfProtocol2() {
  const [planted] = pairs;
  if (planted === undefined) throw new Error('there is no pair');
  const { messages, kme } = planted;
  return derivedIn(messages.ofPeers, { psk: PLANTED_PSK, keys: kme.keys });
}

describe('the programs', () => {
  test('went through every error', () => {
    const printed = evidence['what the programs print'].toString();
    for (const trace of [
      'ERR_KME_MALFORMED',
      'ERR_KME_REFUSED',
      'ERR_KME_UNAVAILABLE',
      'the two ends do not fit together',
      'ERR_SINK_FAILED',
      'is not TOML',
      'psk: is not a text',
    ]) {
      expect(printed).toContain(trace);
    }
  });

  test('kept an audit log and told their metrics', () => {
    const files = evidence['files, but for key files and configurations'].toString();
    for (const event of ['committed', 'written-off', 'refused', 'alarmed']) {
      expect(files).toContain(`"event":"${event}"`);
    }
    expect(evidence.metrics.toString()).toContain('qupskd_exchanges_total{');
  });

  test('handled the secrets that are searched for, which the search finds where they are', () => {
    const [planted] = pairs;
    const config = readFileSync(planted?.pair.alice.configFile ?? '');
    expect(search.find(config)).toEqual(['the psk, raw']);
    expect(search.find(planted?.kme.keys.values().next().value ?? '')).toEqual(['a QKD key, raw']);
    expect(search.find(readFileSync(planted?.installed ?? ''))).toContain('a PSK, base64');
    const derived = new Set(derivedOfProtocol2().map(({ psk }) => psk.toString('base64')));
    expect(derived.size).toBeGreaterThan(MISDEEDS.length);
    for (const psk of planted?.psks ?? []) expect(derived).toContain(psk.toString('base64'));
  });

  test.each(SOURCES)('%s: no secret', (source) => {
    expect(evidence[source].length).toBeGreaterThan(100);
    expect(search.find(evidence[source])).toEqual([]);
  });
});

describe('XState', () => {
  const told: string[] = [];
  const daemons: Daemon[] = [];
  let kme: FakeKme;

  /** What inspectors are given of an event, and the snapshot that could be stored at that moment. */
  function record(event: InspectionEvent): void {
    told.push(JSON.stringify(event));
    if (event.type !== '@xstate.snapshot') return;
    told.push(JSON.stringify((event.actorRef as AnyActor).getPersistedSnapshot()));
  }

  beforeAll(async () => {
    kme = await FakeKme.start();
    const settings = (): TomlTable => ({ psk: PLANTED_PSK, interval: '300ms' });
    const options = { protocol: 2, kmePort: kme.port, settings } as const;
    const { alice, bob, link } = await wirePair(programs, options);
    for (const site of [alice, bob]) {
      site.writeConfig();
      const log = createLog({ level: 'error', format: 'json' });
      daemons.push(await startDaemon(await loadConfig(site.configFile), { log, inspect: record }));
    }
    for (let rotation = 0; rotation < 3; rotation += 1) {
      const psk = await agreement(link, psksOf(link), AGREEMENT_MS_MAX);
      search.add('a PSK of an inspected daemon', Buffer.from(psk, 'base64'));
    }
  });

  afterAll(async () => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await kme.close();
  });

  test('what it tells an inspector, and what it would store: no secret', () => {
    const all = told.join('\n');
    expect(all).toContain('xstate.done.actor.getKeyWithKeyIds');
    expect(all).toContain('delivered');
    expect(search.find(all)).toEqual([]);
  });
});
