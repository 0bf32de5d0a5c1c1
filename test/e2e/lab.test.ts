/** `npm run lab` as a program: it says what it lacks, and leaves nothing behind when it is ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { missingForTunnels } from '../../example/lab/needs.ts';
import { buildPrograms } from '../support/programs/build.ts';
import { waitFor } from '../support/programs/wait.ts';

const TEST_MS_MAX = 60_000;
const SOON_MS_MAX = 30_000;
const NAMESPACES = '/run/netns';
const SOCKETS = '/var/run/wireguard';

const missing = missingForTunnels();
if (missing.length > 0) {
  process.stderr.write(`SKIPPED: the lab. Missing: ${missing.join(', ')}.\n`);
}
const testIfPossible = missing.length === 0 ? test : test.skip;

let folder = '';
let dist = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qupskd-lab-test-'));
  if (missing.length === 0) dist = dirname((await buildPrograms(folder)).qupskd);
}, TEST_MS_MAX);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function startLab(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const argv = ['--import', 'tsx', 'example/lab/main.ts', ...args];
  // Its folder is named after the network, whose names nobody else has.
  const env = { ...process.env, TMPDIR: folder, ...environment };
  return spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Whatever has the id of a network in its name. */
function leftOf(id: string): string[] {
  const all = [NAMESPACES, SOCKETS, folder].flatMap((path) => readdirSync(path));
  return all.filter((name) => name.includes(id));
}

describe('the lab', () => {
  testIfPossible.each([
    ['while it is set up', 'namespaces'],
    ['while packets flow', 'epoch 2'],
  ])(
    'SIGTERM %s: nothing is left',
    async (_when, line) => {
      const lab = startLab(['--dist', dist, '--interval', '1s', '--rate', '100']);
      let printed = '';
      lab.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        printed += chunk;
      });
      const closed = once(lab, 'close');
      try {
        await waitFor(`"${line}"`, () => printed.includes(line), SOON_MS_MAX);
        const [, id = ''] = /qupskd-lab-([0-9a-f]{8})-/.exec(readdirSync(folder).join()) ?? [];
        expect(leftOf(id)).not.toEqual([]);
        lab.kill('SIGTERM');
        expect(await closed).toEqual([143, null]);
        expect(printed).toMatch(/ended by SIGTERM; everything is taken down\.\n$/);
        expect(leftOf(id)).toEqual([]);
      } finally {
        lab.kill('SIGTERM');
        await closed;
      }
    },
    TEST_MS_MAX,
  );

  test(
    'where something is missing: one line that names it, and exit code 1',
    async () => {
      const lab = startLab([], { PATH: folder });
      const [printed, [code]] = await Promise.all([text(lab.stdout), once(lab, 'close')]);
      expect(printed).toMatch(
        /^✗ The lab needs what is missing here: .*wireguard-go \(Debian: wireguard-go\).*\n$/,
      );
      expect(code).toBe(1);
    },
    TEST_MS_MAX,
  );
});
