/** Which changes of TLS files are taken into use, and what is said of those and of their ends. */
import { X509Certificate } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CertificateWatch } from '../../src/certificate-watch.ts';
import type { TlsConfig } from '../../src/config/types.ts';
import type { LoadedTls } from '../../src/tls.ts';
import { type CertificateFiles, makeCertificates } from '../support/certificates.ts';
import { atEnd, endAll } from '../support/ending.ts';
import { makeFolder } from '../support/folders.ts';
import { until } from '../support/until.ts';
import { RecordingLog } from './peer/support.ts';

const POLL_MS = 5;
const DAY_MS = 86_400_000;

const pkiFolder = makeFolder();
let pki: CertificateFiles;
let live: TlsConfig & { cacert: string; cert: string; key: string };

beforeAll(async () => {
  pki = await makeCertificates(pkiFolder, ['first', 'second']);
});
beforeEach(() => {
  const folder = makeFolder();
  const file = (name: string): string => join(folder, name);
  live = { cacert: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') };
  copyFileSync(pki.cacert, live.cacert);
  put('first', 'cert');
  put('first', 'key');
});
afterEach(endAll);

/** As a tool that renews certificates does: the file is there whole, or not at all. */
function put(name: string, part: 'cert' | 'key'): void {
  copyFileSync(pki.leaf(name)[part], `${live[part]}.new`);
  renameSync(`${live[part]}.new`, live[part]);
}

const pem = (name: string): string => readFileSync(pki.leaf(name).cert, 'utf8');
const endOf = (file: string): number => Date.parse(new X509Certificate(readFileSync(file)).validTo);

function watchThat({ now = Date.now }: { now?: () => number } = {}) {
  const log = new RecordingLog();
  const watch = new CertificateWatch({ log, pollMs: POLL_MS, now });
  atEnd(() => watch.stop());
  const said = (): string[] => log.lines.map(({ level, message }) => `${level} ${message}`);
  /** Begins to follow; `seen` are the certificates in use, one after the other. */
  const follow = (tls: TlsConfig | null = live) => {
    const seen: (string | undefined)[] = [];
    const use = ({ options }: LoadedTls): void => void seen.push(options.cert?.toString());
    const { loaded, end } = watch.follow(tls, 'the test', use);
    use(loaded);
    return { seen, end, loaded };
  };
  return { watch, log, said, follow };
}

const TAKEN = 'info new TLS files are in use';
const KEPT = 'warn new TLS files cannot be used yet; the former ones stay in use';

/** Waits until the watch has polled again, often enough to have taken what it would take. */
async function severalPolls(): Promise<void> {
  let polls = 0;
  const other = new CertificateWatch({
    log: new RecordingLog(),
    pollMs: POLL_MS,
    now: () => (polls += 1),
  });
  other.start();
  atEnd(() => other.stop());
  await until(() => polls > 5);
}

describe('a change', () => {
  test('is taken by everybody who follows, once, with one line', async () => {
    const { watch, log, said, follow } = watchThat();
    const [one, other] = [follow(), follow({ ...live })];
    // Shared: links by the thousand have the same files.
    expect(other.loaded.context).toBe(one.loaded.context);
    watch.start();
    put('second', 'key');
    put('second', 'cert');
    await until(() => said().includes(TAKEN));
    await severalPolls();
    expect([one.seen, other.seen]).toEqual([
      [pem('first'), pem('second')],
      [pem('first'), pem('second')],
    ]);
    expect(said().filter((line) => line === TAKEN)).toEqual([TAKEN]);
    const { fields } = log.lines.find(({ level }) => level === 'info') ?? {};
    expect(fields).toEqual({
      file: live.cert,
      reason: expect.stringMatching(/^CN=second, serial [0-9A-F]+, ends .* GMT$/),
    });
    expect(follow().seen).toEqual([pem('second')]);
  });

  test('of the certificate waits for its key, and one warning says so', async () => {
    const { watch, log, said, follow } = watchThat();
    const { seen } = follow();
    watch.start();
    put('second', 'cert');
    await until(() => said().includes(KEPT));
    await severalPolls();
    expect(seen).toEqual([pem('first')]);
    expect(said()).toEqual([KEPT]);
    expect(log.lines[0]?.fields.error).toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    put('second', 'key');
    await until(() => seen.length === 2);
    expect(seen).toEqual([pem('first'), pem('second')]);
    expect(said()).toEqual([KEPT, TAKEN]);
  });

  test('that removes a file keeps the former ones, and the file may come back', async () => {
    const { watch, said, follow } = watchThat();
    const { seen } = follow();
    watch.start();
    rmSync(live.key);
    await until(() => said().includes(KEPT));
    put('first', 'key');
    await severalPolls();
    expect(seen).toEqual([pem('first')]);
    expect(said()).toEqual([KEPT]);
    rmSync(live.key);
    await until(() => said().length === 2);
    expect(said()).toEqual([KEPT, KEPT]);
  });

  test('of times only, or to what was there before, is none', async () => {
    const { watch, said, follow } = watchThat();
    const { seen } = follow();
    watch.start();
    utimesSync(live.cert, 1, 1);
    put('first', 'key');
    await severalPolls();
    expect(seen).toEqual([pem('first')]);
    expect(said()).toEqual([]);
  });

  test('between the first reading and the start is seen', async () => {
    const { watch, follow } = watchThat();
    const { seen } = follow();
    put('second', 'cert');
    put('second', 'key');
    watch.start();
    await until(() => seen.length === 2);
    expect(seen[1]).toBe(pem('second'));
  });

  test('of the symbolic link that leads to the files is seen', async () => {
    // As Kubernetes mounts a secret: cert.pem -> ..data/cert.pem, ..data -> one folder or another.
    const folder = makeFolder();
    for (const name of ['first', 'second']) {
      mkdirSync(join(folder, name));
      copyFileSync(pki.leaf(name).cert, join(folder, name, 'cert.pem'));
      copyFileSync(pki.leaf(name).key, join(folder, name, 'key.pem'));
    }
    symlinkSync('first', join(folder, '..data'));
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => {
      symlinkSync(join('..data', name), join(folder, name));
      return join(folder, name);
    }) as [string, string];
    const { watch, said, follow } = watchThat();
    const { seen } = follow({ cacert: null, cert, key });
    watch.start();
    symlinkSync('second', join(folder, '..data.new'));
    renameSync(join(folder, '..data.new'), join(folder, '..data'));
    await until(() => seen.length === 2);
    expect(seen[1]).toBe(pem('second'));
    expect(said()).toEqual([TAKEN]);
  });

  test('is not told to those who have ended', async () => {
    const { watch, said, follow } = watchThat();
    const [one, other] = [follow(), follow()];
    one.end();
    one.end();
    watch.start();
    put('second', 'key');
    put('second', 'cert');
    await until(() => said().includes(TAKEN));
    expect([one.seen.length, other.seen.length]).toEqual([1, 2]);
    other.end();
    put('first', 'key');
    put('first', 'cert');
    await severalPolls();
    expect(other.seen.length).toBe(2);
    expect(said().filter((line) => line === TAKEN).length).toBe(1);
  });

  test('after the end of the watch is not looked for', async () => {
    const { watch, follow } = watchThat();
    const { seen } = follow();
    watch.start();
    watch.stop();
    put('second', 'key');
    put('second', 'cert');
    await severalPolls();
    expect(seen.length).toBe(1);
  });
});

test('files that cannot be used at first are refused, and not followed', () => {
  const { follow } = watchThat();
  put('second', 'cert');
  expect(() => follow()).toThrow(/^The TLS files of the test cannot be used/);
  put('first', 'cert');
  expect(follow().seen).toEqual([pem('first')]);
});

test('without files there is nothing to follow', async () => {
  const { watch, said, follow } = watchThat();
  const [none, nulls] = [follow(null), follow({ cacert: null, cert: null, key: null })];
  expect(nulls.loaded).toBe(none.loaded);
  watch.start();
  await severalPolls();
  expect([none.seen, said()]).toEqual([[undefined], []]);
});

describe('an end that comes near', () => {
  const ends = ({ log }: ReturnType<typeof watchThat>) =>
    log.lines.map(({ level, message, fields: { file } }) => `${level} ${message}: ${file}`);

  test('is warned of at start, for one\u2019s own certificate and for each of the CA bundle', () => {
    const other = readFileSync(pki.leaf('second').cert, 'utf8');
    writeFileSync(live.cacert, `${readFileSync(pki.cacert, 'utf8')}\n${other}`);
    const watched = watchThat({ now: () => endOf(live.cert) - 6 * DAY_MS });
    watched.follow();
    watched.follow({ ...live, cacert: null });
    watched.watch.start();
    expect(ends(watched)).toEqual([
      `warn a certificate ends within 7 days: ${live.cert}`,
      `warn a certificate ends within 7 days: ${live.cacert}`,
      `warn a certificate ends within 7 days: ${live.cacert}`,
    ]);
    const reasons = watched.log.lines.map(({ fields: { reason } }) => String(reason).split(',')[0]);
    expect(reasons).toEqual([
      'CN=first',
      expect.stringMatching(/^CN=quPSKd trial CA /),
      'CN=second',
    ]);
  });

  test('is warned of while it runs, and of a new certificate no more', async () => {
    let leftDays = 31;
    const endMs = endOf(live.cert);
    const watched = watchThat({ now: () => endMs - leftDays * DAY_MS });
    const { seen } = watched.follow({ ...live, cacert: null });
    watched.watch.start();
    expect(ends(watched)).toEqual([]);
    for (const [days, count] of [
      [30, 1],
      [7, 2],
      [1, 3],
      [0, 4],
      [-5, 4],
    ] as const) {
      leftDays = days;
      await until(() => watched.log.lines.length === count);
    }
    await severalPolls();
    expect(ends(watched)).toEqual(
      ['ends within 30 days', 'ends within 7 days', 'ends within a day', 'has ended'].map(
        (what) => `warn a certificate ${what}: ${live.cert}`,
      ),
    );
    leftDays = 100;
    put('second', 'cert');
    put('second', 'key');
    await until(() => seen.length === 2);
    await severalPolls();
    expect(
      watched
        .said()
        .slice(4)
        .filter((line) => line !== KEPT),
    ).toEqual([TAKEN]);
  });
});
