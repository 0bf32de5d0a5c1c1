/** The program `qkd-simulator` as it is shipped: bundled, run as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { makeCertificates } from '../../../support/certificates.ts';
import { clientOf, endAll, failureOf, KEY_ID, NEVER, spellingsIn } from '../support.ts';

const RUN_MS_MAX = 15_000;
/** What a supervisor would still call at once, on a loaded machine. */
const END_MS_MAX = 2_000;

const folder = mkdtempSync(join(tmpdir(), 'qupskd-simulator-'));
const program = join(folder, 'qkd-simulator.cjs');

beforeAll(async () => {
  await build({
    entryPoints: ['src/etsi014/simulator/main.ts'],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    outfile: program,
    logLevel: 'silent',
  });
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true });
});

class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Waits for the line that says where it serves. */
  async url(): Promise<string> {
    for (;;) {
      const [, url] = /^Serving at (\S+)\n/.exec(this.output) ?? [];
      if (url !== undefined) return url;
      const data = [this.child.stdout, this.child.stderr].map((stream) =>
        once(stream ?? this.child, 'data'),
      );
      const next = await Promise.race([...data, this.ended]);
      if (!Array.isArray(next)) throw new Error(`it ended: ${this.output}`);
    }
  }
}

describe('the program', () => {
  test('serves both ends of a link, prints one line and no key, ends on SIGTERM', async () => {
    const run = new Run(['localhost', '0']);
    const url = await run.url();
    expect(url).toMatch(/^http:\/\/localhost:[1-9]\d+$/);

    const [alice, bob] = [clientOf(url), clientOf(url, { method: 'GET' })];
    const { keyId, key } = await bob.getKey('sae_alice', NEVER);
    const fetched = await alice.getKeyWithKeyIds('sae_bob', keyId, NEVER);
    expect(fetched.key.equals(key.reveal())).toBe(true);
    const again = await failureOf(alice.getKeyWithKeyIds('sae_bob', keyId, NEVER));
    expect(again.code).toBe('ERR_KME_KEY_NOT_FOUND');

    const startedMs = performance.now();
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(END_MS_MAX);
    expect(run.output).toBe(`Serving at ${url}\n`);
    expect(spellingsIn(run.output, key.reveal())).toEqual([]);
  });

  test('ends on SIGINT, with a request in progress', async () => {
    const run = new Run(['127.0.0.1', '0', '--delay', '60000']);
    const call = failureOf(clientOf(await run.url()).getKey('sae_bob', NEVER));
    const sent = clientOf(await run.url(), { totalTimeoutMs: 200 });
    expect((await failureOf(sent.getKey('sae_bob', NEVER))).code).toBe('ERR_KME_NO_ANSWER');
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(0);
    expect((await call).code).toBe('ERR_KME_NO_ANSWER');
  });

  test('SIGUSR2 turns 503 on and off', async () => {
    const run = new Run(['127.0.0.1', '0']);
    const client = clientOf(await run.url());
    const codeNow = async (): Promise<string> =>
      await client.getStatus('sae_bob', NEVER).then(
        () => 'ok',
        (error) => error.code,
      );
    for (const expected of ['ERR_KME_UNAVAILABLE', 'ok']) {
      run.child.kill('SIGUSR2');
      const deadlineMs = performance.now() + 5_000;
      while ((await codeNow()) !== expected) expect(performance.now()).toBeLessThan(deadlineMs);
    }
    run.child.kill();
    expect(await run.ended).toBe(0);
  });

  test('faults and limits by options', async () => {
    const limits = ['--max-key-count', '2', '--refill-rate', '0', '--kme-id', 'kme_x'];
    const run = new Run([
      '127.0.0.1',
      '0',
      ...limits,
      '--not-found-first',
      '1',
      '--drop-answers',
      '1',
    ]);
    const client = clientOf(await run.url());
    expect(await client.getStatus('b', NEVER)).toMatchObject({
      sourceKmeId: 'kme_x',
      storedKeyCount: 2,
    });
    expect((await failureOf(client.getKey('b', NEVER))).code).toBe('ERR_KME_NO_ANSWER');
    const { keyId } = await client.getKey('b', NEVER);
    expect((await failureOf(client.getKey('b', NEVER))).code).toBe('ERR_KME_UNAVAILABLE');
    const early = await failureOf(client.getKeyWithKeyIds('a', keyId, NEVER));
    expect(early.code).toBe('ERR_KME_KEY_NOT_FOUND');
    expect((await client.getKeyWithKeyIds('a', keyId, NEVER)).keyId).toBe(keyId);
    run.child.kill();
    expect(await run.ended).toBe(0);
  });

  test('--stateless needs no other end', async () => {
    const run = new Run(['127.0.0.1', '0', '--stateless']);
    const client = clientOf(await run.url());
    for (const _ of [1, 2]) {
      expect((await client.getKeyWithKeyIds('sae_alice', KEY_ID, NEVER)).keyId).toBe(KEY_ID);
    }
    run.child.kill();
    expect(await run.ended).toBe(0);
  });

  test('mutual TLS', async () => {
    const certificates = await makeCertificates(join(folder, 'tls'), ['kme', 'sae_alice']);
    const { cert, key } = certificates.leaf('kme');
    const { cacert } = certificates;
    const run = new Run(['localhost', '0', '--cacert', cacert, '--cert', cert, '--key', key]);
    const url = await run.url();
    expect(url).toMatch(/^https:/);
    const alice = clientOf(url, { tls: { cacert, ...certificates.leaf('sae_alice') } });
    expect((await alice.getStatus('sae_bob', NEVER)).masterSaeId).toBe('sae_alice');
    run.child.kill();
    expect(await run.ended).toBe(0);
  });
});

describe('what it cannot start with: one line and exit code 2', () => {
  test('a port in use', async () => {
    const first = new Run(['127.0.0.1', '0']);
    const { port } = new URL(await first.url());
    const second = new Run(['127.0.0.1', port]);
    expect(await second.ended).toBe(2);
    expect(second.output).toBe(
      `qkd-simulator: cannot listen on 127.0.0.1 port ${port}: the port is in use. ` +
        'Choose another port, or end the program that uses it.\n',
    );
    first.child.kill();
    expect(await first.ended).toBe(0);
  });

  test.each([
    ['no port', ['localhost']],
    ['a port that is no number', ['localhost', '80x']],
    ['a port that is too high', ['localhost', '65536']],
    ['an unknown option', ['localhost', '0', '--fault']],
    ['a number that is none', ['localhost', '0', '--delay', '-1']],
    ['a certificate without a key', ['localhost', '0', '--cert', 'x']],
    ['a CA without a certificate', ['localhost', '0', '--cacert', 'x']],
    ['TLS files that are not there', ['localhost', '0', '--cert', '/none', '--key', '/none']],
    ['a host that is none', ['kme.invalid', '0']],
  ])('%s', async (_, args) => {
    const run = new Run(args);
    expect(await run.ended).toBe(2);
    expect(run.output).toMatch(/^[^\n]+\n$/);
  });

  test('--help is no failure, and tells of the callers', async () => {
    const run = new Run(['--help']);
    expect(await run.ended).toBe(0);
    expect(run.output).toContain('X-SAE-ID');
  });
});
