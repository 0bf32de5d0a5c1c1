/** The control socket: whose it is, what becomes of an old one, and what it answers. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { askControl } from '../../../src/control/client.ts';
import { type ControlRoutes, serveControl } from '../../../src/control/server.ts';
import { atEnd, endAll } from '../../support/ending.ts';
import { failureOf } from '../../support/failure.ts';
import { makeFolder } from '../../support/folders.ts';

afterEach(endAll);

const errors: unknown[] = [];

async function serve(path: string, routes: ControlRoutes = { 'GET /status': () => 'here' }) {
  const server = await serveControl({ path, routes, onError: (error) => errors.push(error) });
  atEnd(() => server.close());
  return server;
}

const asked = (path: string) => askControl(path, { method: 'GET', path: '/status' });
const ANSWER = { type: 'answer', status: 200, body: 'here' };
const refusal = async (path: string): Promise<string> => (await failureOf(serve(path))).message;

describe('the file', () => {
  test('is for its owner alone, and so is the folder that is made for it', async () => {
    const path = join(makeFolder(), 'run/qupskd/a.sock');
    await serve(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  test('a folder that is there is left as it is', async () => {
    const folder = join(makeFolder(), 'run');
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    await serve(join(folder, 'a.sock'));
    expect(statSync(folder).mode & 0o777).toBe(0o755);
  });

  test('goes with the server', async () => {
    const path = join(makeFolder(), 'a.sock');
    const server = await serve(path);
    await server.close();
    expect(existsSync(path)).toBe(false);
    expect(await asked(path)).toEqual({ type: 'failed', code: 'ENOENT' });
  });

  test('that a dead daemon has left is replaced', async () => {
    const path = join(makeFolder(), 'a.sock');
    leaveSocket(path);
    expect(await asked(path)).toEqual({ type: 'failed', code: 'ECONNREFUSED' });
    await serve(path);
    expect(await asked(path)).toEqual(ANSWER);
  });

  test('of a daemon that runs is not', async () => {
    const path = join(makeFolder(), 'a.sock');
    await serve(path);
    expect(await refusal(path)).toContain('another daemon that runs has it');
    expect(await asked(path)).toEqual(ANSWER);
  });

  test('that is no socket is not', async () => {
    const path = join(makeFolder(), 'a.sock');
    writeFileSync(path, 'precious');
    expect(await refusal(path)).toContain('there is a file that is no socket');
    expect(statSync(path).isFile()).toBe(true);
  });

  test('whose path is too long for one is refused, not cut off', async () => {
    const folder = makeFolder();
    expect(await refusal(join(folder, 'a'.repeat(108)))).toContain('longer than 107 bytes');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('in a place that is no folder is refused', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    expect(await refusal(join(file, 'a.sock'))).toMatch(/cannot be opened \((EEXIST|ENOTDIR)\)/);
  });
});

describe('an answer', () => {
  test('is what the path gives, also later', async () => {
    const path = join(makeFolder(), 'a.sock');
    await serve(path, { 'GET /status': () => Promise.resolve({ of: [1, null] }) });
    expect(await asked(path)).toEqual({ ...ANSWER, body: { of: [1, null] } });
  });

  test.each([
    ['POST', '/status'],
    ['GET', '/toString'],
    ['GET', '/status?x'],
  ] as const)('to %s %s is 404', async (method, url) => {
    const path = join(makeFolder(), 'a.sock');
    await serve(path);
    expect(await askControl(path, { method, path: url })).toMatchObject({ status: 404 });
  });

  test('of a path that fails is 500, and only the daemon hears why', async () => {
    const path = join(makeFolder(), 'a.sock');
    const error = new Error('planted');
    await serve(path, {
      'GET /status': () => {
        throw error;
      },
    });
    expect(await asked(path)).toEqual({ ...ANSWER, status: 500, body: { error: 'internal' } });
    expect(errors.splice(0)).toEqual([error]);
  });

  test('does not wait for who asks nothing', async () => {
    const path = join(makeFolder(), 'a.sock');
    await serve(path);
    const socket = connect(path);
    socket.resume();
    await once(socket, 'close');
    expect(await asked(path)).toEqual(ANSWER);
  });

  test('that is none is a failure, by its code', async () => {
    const path = join(makeFolder(), 'a.sock');
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nno JSON'));
    });
    server.listen(path);
    await once(server, 'listening');
    atEnd(() => server.close());
    expect(await asked(path)).toEqual({ type: 'failed', code: 'unreadable' });
  });
});

/** As a daemon that was killed does. */
function leaveSocket(path: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}
