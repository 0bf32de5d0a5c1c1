/**
 * End to end: the daemon with the configuration of the original quPSKd, against a peer that behaves as
 * the original does on the wire, in both roles and after a restart of either.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { firstPsk, nextPsk } from '../../src/psk/schedule-1.ts';
import { OriginalPeer } from '../support/original-peer.ts';
import type { Kme } from '../support/programs/kme.ts';
import { freePort } from '../support/programs/ports.ts';
import type { RunningProgram } from '../support/programs/running-program.ts';
import { printToml, type TomlTable } from '../support/programs/toml.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, type SharedLink } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const AGREEMENT_MS_MAX = 10_000;
const NEVER_MS = 3_600_000;
const PSK = 'shared with the original';

let programs: Programs;
/** One at each site; they agree without a network, as those of the original do. */
let kmes: readonly [Kme, Kme];

beforeAll(async () => {
  programs = await Programs.build();
  kmes = [await programs.kme(['--stateless']), await programs.kme(['--stateless'])];
  await Promise.all(kmes.map((kme) => kme.start()));
});

afterAll(async () => {
  await programs.close();
});

/** Our daemon and the other one, by the flat configuration file. */
class Meeting {
  readonly link: SharedLink;
  /** Of our daemon. */
  readonly url: string;
  ours: RunningProgram | null = null;
  original: OriginalPeer | null = null;
  readonly #configFile: string;
  readonly #port: number;
  readonly #originalPort: number;
  readonly #originalIntervalMs: number;

  private constructor(folder: string, ports: [number, number], originalIntervalMs: number) {
    [this.#port, this.#originalPort] = ports;
    this.url = `http://127.0.0.1:${this.#port}`;
    this.#configFile = join(folder, 'qupskd.toml');
    this.#originalIntervalMs = originalIntervalMs;
    const keyFile = join(folder, 'psk', 'original.key');
    const oursHolds = (): string | null => {
      try {
        return readFileSync(keyFile, 'utf8');
      } catch {
        return null;
      }
    };
    const originalHolds = (): string | null => this.original?.psk() ?? null;
    this.link = {
      name: 'original',
      ends: [{ site: { psk: oursHolds } }, { site: { psk: originalHolds } }],
    };
  }

  /** @param added - keys beside those of the original */
  static async prepare(
    name: string,
    { added, originalIntervalMs }: { added: TomlTable; originalIntervalMs: number },
  ): Promise<Meeting> {
    const folder = join(programs.folder, name);
    mkdirSync(folder);
    const ports: [number, number] = [await freePort(), await freePort()];
    const meeting = new Meeting(folder, ports, originalIntervalMs);
    const config = printToml({
      qupskd_bind: '127.0.0.1',
      qupskd_port: ports[0],
      etsi_url: kmes[0].url,
      remote_qupskd_url: `http://127.0.0.1:${ports[1]}`,
      remote_SAE_ID: 'sae_original',
      key_folder: join(folder, 'psk'),
      alias: 'original',
      psk: PSK,
      ...added,
    });
    writeFileSync(meeting.#configFile, config, { mode: 0o600 });
    return meeting;
  }

  async startOurs(): Promise<void> {
    this.ours = programs.qupskd([], { QUPSKD_CONFIG_FILE: this.#configFile });
    await this.ours.printed('listening');
  }

  async startOriginal(): Promise<OriginalPeer> {
    this.original = new OriginalPeer({
      port: this.#originalPort,
      remoteUrl: this.url,
      kmeUrl: kmes[1].url,
      remoteSaeId: 'sae_ours',
      psk: PSK,
      intervalMs: this.#originalIntervalMs,
    });
    await this.original.start();
    return this.original;
  }

  async stop(): Promise<void> {
    await Promise.all([this.ours?.crash(), this.original?.stop()]);
  }
}

test('a file with the keys of the original alone: it speaks protocol 1, and warns of it', async () => {
  const meeting = await Meeting.prepare('keys-of-the-original', {
    added: {},
    originalIntervalMs: NEVER_MS,
  });
  await meeting.startOriginal();
  await meeting.startOurs();
  await agreement(meeting.link, [], AGREEMENT_MS_MAX);
  expect(meeting.ours?.stdout).toMatch(
    /warn.*protocol 1 has no identity, no authentication.*protocol = 2 and local_SAE_ID/,
  );
  await meeting.stop();
});

test('a /new that is never acknowledged leads back to the first PSK all the same', async () => {
  const meeting = await Meeting.prepare('unacknowledged', {
    added: {},
    originalIntervalMs: NEVER_MS,
  });
  await meeting.startOurs();
  const ask = async (url: string): Promise<Record<string, unknown> | null> => {
    const answer = await fetch(url);
    return answer.status === 200 ? ((await answer.json()) as Record<string, unknown>) : null;
  };
  // It refuses while it asks for a PSK itself.
  await waitFor('an offer', () => ask(`${meeting.url}/new`), AGREEMENT_MS_MAX);
  const offer = await waitFor('an offer', () => ask(`${meeting.url}/rotate`), AGREEMENT_MS_MAX);
  const keyId = String(offer['key_ID']);
  const atKme = `${kmes[1].url}/api/v1/keys/sae_ours/dec_keys?key_ID=${keyId}`;
  const delivered = await waitFor('the key', () => ask(atKme), AGREEMENT_MS_MAX);
  const [{ key }] = delivered['keys'] as [{ key: string }];
  expect(await ask(`${meeting.url}/ack`)).toEqual({ status: 'ok' });
  const expected = nextPsk(key, keyId, firstPsk(PSK));
  await waitFor('that PSK', () => psksOf(meeting.link)[0] === expected, AGREEMENT_MS_MAX);
  await meeting.stop();
});

const LEADERS = [
  { leader: 'our daemon', interval: '500ms', originalIntervalMs: NEVER_MS },
  { leader: 'the original', interval: '1h', originalIntervalMs: 500 },
];

describe.each(LEADERS)('$leader rotates', ({ leader, interval, originalIntervalMs }) => {
  const oursLeads = leader === 'our daemon';
  let meeting: Meeting;
  let psk: string | null = null;

  /** Both hold a PSK that neither held before. */
  async function nextAgreement(): Promise<void> {
    psk = await agreement(meeting.link, [psk], AGREEMENT_MS_MAX);
  }

  beforeAll(async () => {
    const added = { protocol: 1, interval };
    meeting = await Meeting.prepare(oursLeads ? 'ours' : 'theirs', { added, originalIntervalMs });
    // Whoever comes last finds the other and opens the first exchange.
    if (oursLeads) await meeting.startOriginal();
    await meeting.startOurs();
    if (!oursLeads) await meeting.startOriginal();
  });

  afterAll(async () => {
    await meeting.stop();
  });

  test('a first PSK and two rotations', async () => {
    for (let count = 1; count <= 3; count += 1) await nextAgreement();
    const { served, opened } = meeting.original ?? { served: [], opened: [] };
    const expected = oursLeads
      ? [served, ['/new', '/ack', '/rotate', '/ack']]
      : [opened, ['/new', '/rotate']];
    expect(expected[0]).toEqual(expect.arrayContaining(expected[1] ?? []));
  });

  test('after a restart of the original', async () => {
    await meeting.original?.stop();
    await meeting.startOriginal();
    await nextAgreement();
    await nextAgreement();
  });

  test('after a restart of our daemon', async () => {
    await meeting.ours?.crash();
    await meeting.startOurs();
    await nextAgreement();
    await nextAgreement();
  });
});
