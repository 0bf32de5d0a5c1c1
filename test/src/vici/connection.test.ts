import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  EVENTS_MAX,
  type ViciAnswer,
  type ViciCommand,
  withVici,
} from '../../../src/vici/connection.ts';
import { section, textOf } from '../../../src/vici/message.ts';
import { encodePacket } from '../../../src/vici/packet.ts';
import { failureOf } from '../../support/failure.ts';
import { FakeCharon, refusal } from '../../support/fake-charon.ts';
import { makeFolder } from '../../support/folders.ts';
import { NEVER } from '../../support/never.ts';
import { until } from '../../support/until.ts';

let charon: FakeCharon;

beforeEach(async () => {
  charon = await FakeCharon.start();
});

afterEach(async () => {
  await charon.stop();
});

const call = (command: ViciCommand, signal = NEVER): Promise<ViciAnswer> =>
  withVici(charon.path, signal, (vici) => vici.call(command));

describe('a command', () => {
  test('gets its response; the connection is closed afterwards', async () => {
    const { response, events } = await call({ name: 'version' });
    expect([textOf(response, 'version'), events]).toEqual(['5.9.8', []]);
    await until(() => charon.openSockets === 0);
  });

  test('several, one after the other, on one connection; events go to the one that asked', async () => {
    charon.addSa();
    charon.addSa();
    const message = section({ ike: 'north' });
    const [sas, version] = await withVici(charon.path, NEVER, async (vici) => [
      await vici.call({ name: 'list-sas', message, event: 'list-sa' }),
      await vici.call({ name: 'version' }),
    ]);
    expect([sas?.events.length, version?.events.length]).toEqual([2, 0]);
    expect(charon.asked).toEqual(['list-sas', 'version']);
  });

  test('that charon refuses, with what it logged last', async () => {
    const logged = [section({ msg: 'first' }), section({ msg: 'received \u001b[1mAUTH_FAILED' })];
    charon.instead.set('initiate', () => ({
      response: section({ success: 'no', errmsg: 'establishing failed' }),
      events: logged,
    }));
    const error = await failureOf(call({ name: 'initiate', event: 'control-log' }));
    expect(error.code).toBe('ERR_SINK_FAILED');
    expect(error.message).toBe(
      'charon refused initiate: establishing failed; received \\u{1b}[1mAUTH_FAILED',
    );
    charon.instead.set('initiate', () => refusal('no such config'));
    expect((await failureOf(call({ name: 'initiate' }))).message).toBe(
      'charon refused initiate: no such config',
    );
  });

  test('that VICI has no room for', async () => {
    const message = section({ certs: [Buffer.alloc(70_000)] });
    const error = await failureOf(call({ name: 'load-conn', message }));
    expect(error.message).toBe('load-conn cannot be said in VICI: a value is too long');
    expect(charon.asked).toEqual([]);
  });

  test('that charon does not know', async () => {
    const error = await failureOf(call({ name: 'fly' }));
    expect(error.message).toBe('charon does not know fly');
  });
});

describe('what ends a command', () => {
  const silent = (): void => void charon.instead.set('version', () => null);

  test('its time', async () => {
    silent();
    const error = await failureOf(call({ name: 'version', timeoutMs: 30 }));
    expect([error.code, error.message]).toEqual([
      'ERR_SINK_TIMEOUT',
      'charon did not answer version within 30 ms',
    ]);
    await until(() => charon.openSockets === 0);
  });

  test('an abort, before and meanwhile', async () => {
    silent();
    const abort = new AbortController();
    const failing = failureOf(call({ name: 'version' }, abort.signal));
    await until(() => charon.asked.length === 1);
    abort.abort();
    expect((await failing).message).toBe('charon closed the VICI connection');
    expect((await failureOf(call({ name: 'version' }, abort.signal))).code).toBe('ERR_SINK_FAILED');
    await until(() => charon.openSockets === 0);
  });

  test.each<[string, Buffer]>([
    ['a packet that is too long', Buffer.from([0, 8, 0, 1])],
    ['a packet of no known type', Buffer.from([0, 0, 0, 1, 99])],
    ['a message that is none', Buffer.from([0, 0, 0, 2, 1, 9])],
  ])('%s', async (_, bytes) => {
    charon.instead.set('version', () => bytes);
    const error = await failureOf(call({ name: 'version' }));
    expect(error.message).toMatch(/^charon sent what is not VICI: a packet|: an element/);
  });

  test('more events than anybody has SAs', async () => {
    const event = encodePacket({ type: 'event', name: 'list-sa', message: section({}) });
    charon.instead.set('list-sas', () => Buffer.concat(Array(EVENTS_MAX + 1).fill(event)));
    const error = await failureOf(call({ name: 'list-sas', event: 'list-sa' }));
    expect(error.message).toBe(`charon sent more than ${EVENTS_MAX} events`);
  });

  test('charon, ending', async () => {
    silent();
    const failing = failureOf(call({ name: 'version' }));
    await until(() => charon.asked.length === 1);
    await charon.stop();
    expect((await failing).message).toBe('charon closed the VICI connection');
    charon = await FakeCharon.start();
  });

  test('no later command is sent on a connection that has ended', async () => {
    silent();
    await withVici(charon.path, NEVER, async (vici) => {
      await failureOf(vici.call({ name: 'version', timeoutMs: 20 }));
      expect((await failureOf(vici.call({ name: 'get-shared' }))).code).toBe('ERR_SINK_TIMEOUT');
    });
    expect(charon.asked).toEqual(['version']);
  });
});

test('a socket that is not there, and a file that is none', async () => {
  const file = join(makeFolder(), 'file');
  writeFileSync(file, '');
  for (const [path, code] of [
    ['/nonexistent/vici', 'ENOENT'],
    [file, 'ECONNREFUSED'],
  ] as const) {
    const error = await failureOf(withVici(path, NEVER, (vici) => vici.call({ name: 'version' })));
    expect(error).toMatchObject({
      code: 'ERR_SINK_FAILED',
      message: `the VICI socket ${path} could not be opened: ${code}`,
      remedy: expect.stringContaining('See that charon runs'),
    });
  }
});
