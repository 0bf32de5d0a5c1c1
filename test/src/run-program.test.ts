import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type ProgramCall, ProgramRunner } from '../../src/run-program.ts';
import { failureOf, shown } from '../support/failure.ts';
import { makeFolder } from '../support/folders.ts';
import { NEVER } from '../support/never.ts';
import { plantedIn } from '../support/planted.ts';
import { until } from '../support/until.ts';
import { fakeProgram, isRunning, OTHER_PSK, PSK, secret } from './sinks/fake-program.ts';

const SHELL = '/bin/sh';

function call(argv: ProgramCall['argv'], change: Partial<ProgramCall> = {}): ProgramCall {
  return {
    name: 'the program',
    argv,
    input: null,
    stdout: 'read',
    timeoutMs: 10_000,
    signal: NEVER,
    remedy: 'Mend it.',
    ...change,
  };
}

async function run(script: string, change: Partial<ProgramCall> = {}): Promise<string> {
  const output = await new ProgramRunner().run(call([SHELL, '-c', script], change));
  return output.toString('utf8');
}

describe('what the program gets', () => {
  test('arguments as they are, the key on standard input alone, a closed standard input else', async () => {
    const program = fakeProgram();
    const runner = new ProgramRunner();
    await runner.run(call([program.path, 'a b', '', '$HOME', '*'], { input: secret(PSK) }));
    await runner.run(call([program.path]));

    const [withKey, withoutKey] = program.calls();
    expect(withKey?.argv).toEqual(['a b', '', '$HOME', '*']);
    expect(withKey?.stdin.equals(PSK)).toBe(true);
    expect(withoutKey?.stdin.length).toBe(0);
  });

  test('of our environment only PATH and HOME', async () => {
    process.env['QUPSKD_PLANTED'] = 'planted';
    process.env['LC_ALL'] = 'de_DE.UTF-8';
    const program = fakeProgram();
    const environment = { QUPSKD_LINK: 'north' } as const;
    await new ProgramRunner().run(call([program.path], { environment }));
    delete process.env['QUPSKD_PLANTED'];
    delete process.env['LC_ALL'];

    const names = program.calls()[0]?.environment.map((entry) => entry.split('=')[0]);
    expect(new Set(names)).toEqual(new Set(['PATH', 'HOME', 'LANG', 'QUPSKD_LINK']));
    expect(program.calls()[0]?.environment).toContain('LANG=C');
  });
});

describe('how it ended', () => {
  test('exit code 0: its standard output', async () => {
    expect(await run('echo out; echo err >&2')).toBe('out\n');
  });

  test('another exit code: the first line of standard error, escaped and bounded', async () => {
    const error = await failureOf(
      run(`printf '\\n bad \\033[31mnews\\r\\nsecond line\\n' >&2; exit 3`),
    );
    expect(error.code).toBe('ERR_SINK_FAILED');
    expect(error.message).toBe('the program ended with exit code 3: bad \\u{1b}[31mnews\\u{d}');
    expect(error.remedy).toBe('Mend it.');

    const flood = await failureOf(run('head -c 3000000 /dev/zero | tr "\\0" x >&2; exit 1'));
    expect(flood.message.length).toBeLessThan(400);
  });

  test.each(['base64', 'base64url', 'hex'] as const)(
    'a key that it prints in %s is masked',
    async (form) => {
      for (const key of [PSK, OTHER_PSK]) {
        const error = await failureOf(run(`echo "key '${key.toString(form)}' is bad" >&2; exit 1`));
        expect(error.message).toContain('is bad');
        expect(plantedIn(shown(error), key)).toEqual([]);
      }
    },
  );

  test('a signal: its name', async () => {
    expect((await failureOf(run('kill -TERM $$'))).message).toBe(
      'the program ended with signal SIGTERM',
    );
  });

  test('it is not there, is not a program, or cannot be called so', async () => {
    const runner = new ProgramRunner();
    const missing = await failureOf(runner.run(call(['/nonexistent/wg'])));
    expect([missing.code, missing.message]).toEqual([
      'ERR_SINK_FAILED',
      'the program could not be started: ENOENT',
    ]);
    expect((await failureOf(runner.run(call([makeFolder()])))).message).toContain('EACCES');
    const nul = await failureOf(runner.run(call([SHELL, 'planted\0'])));
    expect(nul.message).toBe('the program could not be started: ERR_INVALID_ARG_VALUE');
  });

  test('it never reads: the broken pipe is not our failure, its exit code decides', async () => {
    const input = secret(Buffer.alloc(1_000_000, 1));
    await expect(run('exec 0<&-; exit 0', { input })).resolves.toBe('');
    expect((await failureOf(run('exec 0<&-; exit 4', { input }))).message).toContain('exit code 4');
  });

  test('more than a mebibyte of output: refused where it is read, no matter where it is not', async () => {
    const script = 'head -c 2000000 /dev/zero';
    expect((await failureOf(run(script))).message).toContain('printed more than 1048576 bytes');
    await expect(run(script, { stdout: 'ignore' })).resolves.toBe('');
  });

  test('what it leaves running with its standard error open is not waited for', async () => {
    const pidFile = join(makeFolder(), 'pid');
    const started = Date.now();
    await run(`sleep 60 & echo $! > ${pidFile}`);
    expect(Date.now() - started).toBeLessThan(10_000);
    process.kill(Number(await read(pidFile)), 'SIGKILL');
  });
});

describe('how it is ended', () => {
  test('in time: killed with all that it started', async () => {
    const pidFile = join(makeFolder(), 'pid');
    const script = `sleep 60 & echo $! > ${pidFile}; sleep 60`;
    const error = await failureOf(run(script, { timeoutMs: 300 }));
    expect(error.code).toBe('ERR_SINK_TIMEOUT');
    expect(error.message).toBe('the program did not end within 300 ms and was killed');
    const pid = Number(await read(pidFile));
    await until(() => !isRunning(pid));
  });

  test('at an abort: killed, and not started where the abort came first', async () => {
    const started = join(makeFolder(), 'started');
    const abort = new AbortController();
    const ending = failureOf(run(`touch ${started}; sleep 60`, { signal: abort.signal }));
    await until(() => existsSync(started));
    abort.abort();
    expect((await ending).message).toContain('was killed: the PSK is no longer wanted');

    const program = fakeProgram();
    await failureOf(new ProgramRunner().run(call([program.path], { signal: abort.signal })));
    expect(program.calls()).toEqual([]);
  });

  test('what it finished at the last moment counts as done', async () => {
    const runner = new ProgramRunner((child) => child.kill('SIGTERM'));
    const script = `trap 'exit 0' TERM; while :; do sleep 0.01; done`;
    await expect(runner.run(call([SHELL, '-c', script], { timeoutMs: 200 }))).resolves.toHaveLength(
      0,
    );
  });

  test('while one lives that cannot be killed, no second one starts', async () => {
    const pidFile = join(makeFolder(), 'pid');
    const runner = new ProgramRunner(() => {});
    const hangs = call([SHELL, '-c', `echo $$ > ${pidFile}; exec sleep 60`], { timeoutMs: 200 });
    const error = await failureOf(runner.run(hangs));
    expect([error.code, error.message]).toEqual([
      'ERR_SINK_TIMEOUT',
      'the program did not end within 200 ms and could not be killed',
    ]);

    const program = fakeProgram();
    const refusal = await failureOf(runner.run(call([program.path])));
    const pid = Number(await read(pidFile));
    expect(refusal.message).toContain(`process ${pid}, its last run, cannot be killed`);
    expect(program.calls()).toEqual([]);

    process.kill(pid, 'SIGKILL');
    await until(async () => (await runner.run(call(['/bin/true'])).catch(() => null)) !== null);
  });
});

async function read(file: string): Promise<string> {
  await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
  return readFileSync(file, 'utf8');
}
