/**
 * Runs one program: no shell, bounded output, a time limit, a minimal environment.
 *
 * A program gets the key on its standard input and nowhere else. It is the leader of a process group
 * of its own, so that killing it also kills what it started. A target keeps one runner: as long as a
 * program that could not be killed (one that runs as another user, by sudo) is still alive, the
 * runner starts no second one, because the first might put its older PSK in place of the newer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { errorCode } from './error-code.ts';
import { QupskdError } from './errors.ts';
import { printable } from './printable.ts';
import type { Secret } from './secret.ts';

const STDOUT_BYTES_MAX = 1024 * 1024;
const STDERR_BYTES_MAX = 4096;
const REASON_CHARACTERS_MAX = 300;
/** SIGKILL ends a process that may be killed within this time, unless the kernel holds it. */
const KILL_GRACE_MS = 300;
/** How long after its exit a program's output may be held open by something it left running. */
const OUTPUT_GRACE_MS = 200;

export interface ProgramCall {
  /** Names the program in errors, for example `wg set`. */
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  /** Written to standard input, which is then closed; null closes it at once. */
  readonly input: Secret | null;
  /** What the program sees beside PATH, HOME and LANG. */
  readonly environment?: Readonly<Record<`QUPSKD_${string}`, string>>;
  /** `ignore` where nobody reads it: such a program may print without limit. */
  readonly stdout: 'read' | 'ignore';
  readonly timeoutMs: number;
  /** Kills the program. */
  readonly signal: AbortSignal;
  /** What to do when it fails. */
  readonly remedy: string;
}

type Ending =
  | { readonly type: 'not-started'; readonly error: unknown }
  | { readonly type: 'ended'; readonly exitCode: number | null; readonly by: string | null }
  | { readonly type: 'killed'; readonly cause: KillCause; readonly alive: boolean };

type KillCause = 'timeout' | 'stopped';

export class ProgramRunner {
  readonly #kill: (child: ChildProcess) => void;
  #unkilled: ChildProcess | null = null;

  /** @param kill - ends the process group of a child; replaced in tests only */
  constructor(kill: (child: ChildProcess) => void = killGroup) {
    this.#kill = kill;
  }

  /**
   * Runs a program to its end.
   *
   * @returns what it printed to standard output, the only copy; nothing with `stdout: 'ignore'`
   * @throws QupskdError `ERR_SINK_TIMEOUT`; `ERR_SINK_FAILED` for an exit code other than 0, a
   *   program that cannot be started, and an abort
   */
  async run(call: ProgramCall): Promise<Buffer> {
    this.#refuseBesideUnkilled(call);
    if (call.signal.aborted) throw failed(call, 'was not started: the PSK is no longer wanted');

    const child = start(call);
    const stdout = collect(child.stdout, STDOUT_BYTES_MAX);
    const stderr = collect(child.stderr, STDERR_BYTES_MAX);
    // A program that ends without reading breaks the pipe. Its exit code says whether that matters.
    child.stdin?.on('error', () => {});
    child.stdin?.end(call.input?.reveal());

    const ending = await this.#ending(child, call);
    if (ending.type === 'killed' && ending.alive) this.#unkilled = child;
    const output = stdout.taken();
    try {
      throwUnlessSuccess(call, ending, stderr.taken().toString('utf8'));
      if (stdout.overflowed()) throw failed(call, `printed more than ${STDOUT_BYTES_MAX} bytes`);
    } catch (error) {
      output.fill(0);
      throw error;
    }
    return output;
  }

  #refuseBesideUnkilled(call: ProgramCall): void {
    const child = this.#unkilled;
    if (child === null) return;
    if (isAlive(child)) {
      throw failed(call, `was not started: process ${child.pid}, its last run, cannot be killed`);
    }
    this.#unkilled = null;
  }

  #ending(child: ChildProcess, call: ProgramCall): Promise<Ending> {
    return new Promise((resolve) => {
      const timers: NodeJS.Timeout[] = [];
      let cause: KillCause | null = null;

      const settle = (ending: Ending): void => {
        for (const timer of timers) clearTimeout(timer);
        call.signal.removeEventListener('abort', onAbort);
        resolve(ending);
      };
      const kill = (why: KillCause): void => {
        if (cause !== null) return;
        cause = why;
        this.#kill(child);
        const giveUp = (): void => {
          letGo(child);
          settle({ type: 'killed', cause: why, alive: isAlive(child) });
        };
        timers.push(setTimeout(giveUp, KILL_GRACE_MS));
      };
      const onAbort = (): void => kill('stopped');

      timers.push(setTimeout(kill, call.timeoutMs, 'timeout'));
      call.signal.addEventListener('abort', onAbort);
      child.on('error', (error) => settle({ type: 'not-started', error }));
      child.once('exit', () => timers.push(setTimeout(letGo, OUTPUT_GRACE_MS, child)));
      child.once('close', (exitCode, by) => {
        if (cause === null || exitCode === 0) settle({ type: 'ended', exitCode, by });
        else settle({ type: 'killed', cause, alive: false });
      });
    });
  }
}

function start(call: ProgramCall): ChildProcess {
  const [program, ...args] = call.argv;
  const { PATH, HOME } = process.env;
  try {
    return spawn(program, args, {
      stdio: ['pipe', call.stdout === 'read' ? 'pipe' : 'ignore', 'pipe'],
      env: { ...(PATH && { PATH }), ...(HOME && { HOME }), LANG: 'C', ...call.environment },
      detached: true,
    });
  } catch (error) {
    throw notStarted(call, error);
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone, or belongs to another user: the grace period finds out which.
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Stops listening to a program's output and waiting for it. */
function letGo(child: ChildProcess): void {
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

/**
 * Keeps the first bytes of a stream and lets the rest pass, so that the program never blocks. What is
 * taken is the only copy of it.
 */
function collect(
  stream: Readable | null,
  bytesMax: number,
): { taken: () => Buffer; overflowed: () => boolean } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('error', () => {});
  stream?.on('data', (chunk: Buffer) => {
    if (bytes < bytesMax) chunks.push(chunk.subarray(0, bytesMax - bytes));
    else chunk.fill(0);
    bytes += chunk.length;
  });
  return {
    taken: () => {
      const whole = Buffer.concat(chunks);
      for (const chunk of chunks.splice(0)) chunk.fill(0);
      return whole;
    },
    overflowed: () => bytes > bytesMax,
  };
}

function throwUnlessSuccess(call: ProgramCall, ending: Ending, stderr: string): void {
  switch (ending.type) {
    case 'not-started':
      throw notStarted(call, ending.error);
    case 'killed': {
      const outcome = ending.alive ? 'could not be killed' : 'was killed';
      if (ending.cause === 'stopped') throw failed(call, `${outcome}: the PSK is no longer wanted`);
      const message = `${call.name} did not end within ${call.timeoutMs} ms and ${outcome}`;
      throw new QupskdError('ERR_SINK_TIMEOUT', message, call.remedy);
    }
    case 'ended': {
      if (ending.exitCode === 0) return;
      const how = ending.by === null ? `exit code ${ending.exitCode}` : `signal ${ending.by}`;
      const said = printable(stderr.trimStart().split('\n', 1)[0] ?? '', REASON_CHARACTERS_MAX);
      throw failed(call, `ended with ${how}${said === '' ? '' : `: ${said}`}`);
    }
  }
}

function failed(call: ProgramCall, what: string): QupskdError {
  return new QupskdError('ERR_SINK_FAILED', `${call.name} ${what}`, call.remedy);
}

function notStarted(call: ProgramCall, error: unknown): QupskdError {
  return failed(call, `could not be started: ${errorCode(error)}`);
}
