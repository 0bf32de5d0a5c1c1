import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { AxiosError } from 'axios';
import type { LogConfig } from '../../src/config/types.ts';
import { QupskdError } from '../../src/errors.ts';
import { createLog, type Log, type LogFields } from '../../src/log.ts';
import { Secret } from '../../src/secret.ts';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index * 4));
const SPELLINGS = ['base64', 'base64url', 'hex'].map((form) => KEY.toString(form as 'hex'));
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

/** What a log writes during some work. */
async function written(
  work: (log: Log) => void,
  config: Partial<LogConfig> = {},
  stream = new Memory(),
): Promise<string> {
  const log = createLog({ level: 'debug', format: 'text', ...config }, stream);
  work(log);
  await log.close();
  return stream.text;
}

class Memory extends Writable {
  text = '';

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error) => void): void {
    // Later, as a pipe would: `close` must wait for it.
    setImmediate(() => {
      this.text += chunk.toString();
      done();
    });
  }
}

describe('text', () => {
  test('time, level, link, message, fields in one order whatever order they came in', async () => {
    const text = await written((log) => {
      const link = log.child({ link: 'north' });
      link.info('committed', { key_ID: 'k-1', epoch: 3, to: 'committed', from: 'awaiting-ack' });
      log.warn('no link', { reason: 'it says "no" = never', port: 8080 });
    });
    const [first, second] = text.split('\n');
    expect(first).toMatch(TIME);
    expect(first?.replace(TIME, '')).toBe(
      'info  [north] committed from=awaiting-ack to=committed epoch=3 key_ID=k-1',
    );
    expect(second?.replace(TIME, '')).toBe(
      'warn  no link reason="it says \\"no\\" = never" port=8080',
    );
  });

  test('nothing from outside breaks the line', async () => {
    const text = await written((log) => {
      log
        .child({ link: 'a\nb' })
        .error('bad\nnews\u001b[2J', { reason: 'x\r\ny', host: '\u202eh' });
    });
    expect(text.split('\n')).toHaveLength(2);
    expect(text.replace(TIME, '')).toBe(
      'error [a\\u{a}b] bad\\u{a}news\\u{1b}[2J reason=x\\u{d}\\u{a}y host=\\u{202e}h\n',
    );
  });

  test('long text is cut', async () => {
    const text = await written((log) =>
      log.info('m'.repeat(10_000), { reason: 'r '.repeat(10_000) }),
    );
    expect(text.length).toBeLessThan(1_000);
  });
});

describe('JSON', () => {
  test('one object a line, numbers as numbers', async () => {
    const text = await written((log) => log.debug('asked', { ms: 12, sink: 'file x' }), {
      format: 'json',
    });
    const { time, ...rest } = JSON.parse(text);
    expect(`${time} `).toMatch(TIME);
    expect(rest).toEqual({ level: 'debug', message: 'asked', ms: 12, sink: 'file x' });
  });
});

test.each<[LogConfig['level'], number]>([
  ['error', 1],
  ['warn', 2],
  ['info', 3],
  ['debug', 4],
])('level %s lets %d of the four pass', async (level, count) => {
  const text = await written(
    (log) => {
      log.error('1');
      log.warn('2');
      log.info('3');
      log.debug('4');
    },
    { level },
  );
  expect(text.split('\n')).toHaveLength(count + 1);
});

describe('what does not pass', () => {
  const axiosError = new AxiosError(
    `Request failed: ${SPELLINGS[0]}`,
    'ECONNRESET',
    { data: SPELLINGS[1], httpsAgent: { options: { key: SPELLINGS[0] } } } as never,
    {},
    { status: 400, data: { keys: [{ key: SPELLINGS[0] }] } } as never,
  );
  axiosError.cause = new Error(SPELLINGS[2]);

  test.each(['text', 'json'] as const)(
    'as %s: fields without a name here, objects, errors',
    async (format) => {
      const text = await written(
        (log) => {
          log.error('failed', { error: axiosError });
          log.error('failed', {
            reason: axiosError,
            code: { toString: () => SPELLINGS[0] },
          } as never);
          log.error('failed', {
            key: SPELLINGS[0],
            psk: new Secret(KEY),
            body: [KEY],
          } as LogFields);
          log.child({ secret: SPELLINGS[2] } as LogFields).error('failed', { attempt: null });
        },
        { format },
      );
      for (const spelling of SPELLINGS) expect(text).not.toContain(spelling);
      expect(text).not.toMatch(/reason|psk|body|secret|object Object|attempt/);
      expect(text.match(/ECONNRESET/g)).toHaveLength(1);
    },
  );

  test('a key in the text itself is masked', async () => {
    const text = await written((log) => {
      for (const spelling of SPELLINGS) log.info(`it is ${spelling}`, { reason: spelling });
    });
    for (const spelling of SPELLINGS) expect(text).not.toContain(spelling);
  });
});

test('an error of ours passes as code, message and remedy', async () => {
  const error = new QupskdError('ERR_SINK_FAILED', 'wg set ended with exit code 1', 'Mend it.');
  const text = await written((log) => log.warn('a sink failed', { error, sink: 'wireguard wg0' }));
  expect(text.replace(TIME, '')).toBe(
    'warn  a sink failed code=ERR_SINK_FAILED reason="wg set ended with exit code 1" ' +
      'remedy="Mend it." sink="wireguard wg0"\n',
  );
});

describe('close', () => {
  test('waits for what is in memory, and later lines are dropped', async () => {
    const stream = new Memory();
    const log = createLog({ level: 'info', format: 'text' }, stream);
    for (let line = 0; line < 100; line += 1) log.info('line');
    await log.close();
    log.info('late');
    expect(stream.text.split('\n')).toHaveLength(101);
  });

  test('does not wait for a reader that reads no more, nor minds one that went away', async () => {
    const stuck = new Writable({ highWaterMark: 1, write: () => {} });
    const log = createLog({ level: 'info', format: 'text' }, stuck);
    log.info('one');
    log.info('two');
    const started = performance.now();
    await log.close();
    expect(performance.now() - started).toBeLessThan(1_000);

    const gone = new Writable({ write: (_, __, done) => done(new Error('EPIPE')) });
    const other = createLog({ level: 'info', format: 'text' }, gone);
    other.info('one');
    await new Promise(setImmediate);
    other.info('two');
    await other.close();
    expect(gone.destroyed).toBe(true);
  });
});

test('the level can change while it runs, also for what was derived before', async () => {
  const stream = new Memory();
  const log = createLog({ level: 'info', format: 'text' }, stream);
  const child = log.child({ link: 'north' });
  child.debug('not yet');
  log.setLevel('debug');
  child.debug('now');
  log.setLevel('error');
  child.warn('no more');
  await log.close();
  expect(stream.text.replace(TIME, '')).toBe('debug [north] now\n');
});
