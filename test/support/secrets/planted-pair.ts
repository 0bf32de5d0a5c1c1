/**
 * Two daemons as processes whose every secret is known: the psk, the keys of their KME, and the PSKs,
 * because the sinks of one of them write down all that they are given.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../programs/ports.ts';
import type { Site } from '../programs/site.ts';
import type { TomlTable } from '../programs/toml.ts';
import { waitFor } from '../programs/wait.ts';
import { agreement, isPskText, psksOf, type WiredPair, wirePair } from '../programs/wired-link.ts';
import type { Programs } from '../programs.ts';
import type { Message } from '../proxy.ts';
import { FakeKme, type Misdeed } from './fake-kme.ts';

export const PLANTED_PSK = 'PLANTED-psk-of-the-two-daemons-and-of-nobody-else';

const AGREEMENT_MS_MAX = 15_000;

/** Writes down its arguments and environment in one file and its standard input in another. */
const RECORDER = `
{ tr '\\0' '\\n' < /proc/$$/cmdline; tr '\\0' '\\n' < /proc/$$/environ; } >> "$1"
{ cat; echo; } >> "$2"
`;

export class PlantedPair {
  readonly pair: WiredPair;
  readonly kme: FakeKme;
  /** What the programs of the sinks saw of themselves. */
  readonly seenByPrograms: string;
  /** Every PSK that was installed at alice, a line each. */
  readonly installed: string;

  /** Where alice tells how she is. */
  readonly metricsPort: number;
  /** Where alice shows how she is. */
  readonly dashboardPort: number;

  private constructor(
    pair: WiredPair,
    kme: FakeKme,
    at: { seen: string; installed: string; metricsPort: number; dashboardPort: number },
  ) {
    this.pair = pair;
    this.kme = kme;
    this.seenByPrograms = at.seen;
    this.installed = at.installed;
    this.metricsPort = at.metricsPort;
    this.dashboardPort = at.dashboardPort;
  }

  static async start(programs: Programs, protocol: 1 | 2): Promise<PlantedPair> {
    const kme = await FakeKme.start();
    const folder = programs.folder;
    const script = join(folder, 'recorder.sh');
    writeFileSync(script, RECORDER);
    const files = {
      seen: join(folder, `seen-${protocol}`),
      installed: join(folder, `installed-${protocol}`),
    };
    const recorder = ['/bin/sh', script, files.seen, files.installed];
    // It gives away what it was given, and fails.
    const traitor = ['/bin/sh', '-c', 'cat >&2; exit 1'];
    const pair = await wirePair(programs, {
      protocol,
      kmePort: kme.port,
      settings: (site): TomlTable => ({
        psk: PLANTED_PSK,
        interval: '400ms',
        sink: [
          { type: 'file', path: site.keyFile('link') },
          { type: 'command', argv: site.name === 'alice' ? recorder : traitor },
        ],
      }),
    });
    const [metricsPort, dashboardPort] = [await freePort(), await freePort()];
    const auditOf = ({ folder }: Site): TomlTable => ({ file: join(folder, 'audit.log') });
    pair.alice.set({
      audit: auditOf(pair.alice),
      metrics: { port: metricsPort },
      dashboard: { port: dashboardPort },
    });
    pair.bob.set({ audit: auditOf(pair.bob), log: { format: 'text', level: 'debug' } });
    await Promise.all([pair.alice.start(), pair.bob.start()]);
    return new PlantedPair(pair, kme, { ...files, metricsPort, dashboardPort });
  }

  /** Waits until both ends have changed to another PSK, so many times. */
  async rotate(count: number): Promise<void> {
    for (let done = 0; done < count; done += 1) {
      await agreement(this.pair.link, psksOf(this.pair.link), AGREEMENT_MS_MAX);
    }
  }

  /** Has the KME commit a misdeed, and waits until the two ends have got over it. */
  async suffer(misdeed: Misdeed): Promise<void> {
    this.kme.plan.push(misdeed);
    await waitFor(misdeed.what, () => this.kme.plan.length === 0, AGREEMENT_MS_MAX);
    await this.rotate(1);
  }

  /** Everything between the two daemons, and everything that they asked of their KME. */
  get messages(): { readonly ofPeers: readonly Message[]; readonly toKme: readonly Message[] } {
    const { ends } = this.pair.link;
    return {
      ofPeers: ends.flatMap(({ api }) => api.messages),
      toKme: ends.flatMap(({ kme }) => kme.messages),
    };
  }

  /** All that were installed at alice; what the end of the daemon cut short is left out. */
  get psks(): readonly Buffer[] {
    const texts = readFileSync(this.installed, 'utf8').split('\n');
    return texts.filter(isPskText).map((text) => Buffer.from(text, 'base64'));
  }
}
