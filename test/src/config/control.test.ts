/** The table [control]: in both forms, and found by who can read little more of the file. */
import { describe, expect, test } from '@jest/globals';
import { loadControlSocket } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import { FLAT, Folder, PLANTED, STRUCTURED } from './toml-file.ts';

const TABLE = '[control]\nsocket = "/run/qupskd/a.sock"\n';
const folder = new Folder();

test.each([
  ['flat', `protocol = 1\n${FLAT}${TABLE}`],
  ['structured', `${STRUCTURED}${TABLE}`],
])('is taken in the %s form', async (_, toml) => {
  expect((await folder.load(toml)).control).toEqual({ socket: '/run/qupskd/a.sock' });
});

test('a path that no socket can have is refused', async () => {
  const [problem] = await folder.problems(
    `${STRUCTURED}[control]\nsocket = "/${'a'.repeat(107)}"\n`,
  );
  expect(problem).toBe(
    'control.socket: is not a path of at most 107 bytes. ' +
      'Write it like socket = "/run/qupskd/qupskd.sock".',
  );
});

describe('who only asks the daemon', () => {
  test.each([
    ['a file with it', `${STRUCTURED}${TABLE}`, '/run/qupskd/a.sock'],
    ['a file without', STRUCTURED, null],
    ['a file that is wrong elsewhere', `interwal = 1\n${TABLE}`, '/run/qupskd/a.sock'],
    [
      'a file with secrets that this user may not read',
      `psk_file = "/nowhere/psk"\n${FLAT}${TABLE}`,
      '/run/qupskd/a.sock',
    ],
  ])('finds the socket in %s', (_, toml, socket) => {
    expect(loadControlSocket(folder.write('qupskd.toml', toml))).toBe(socket);
  });

  test.each([
    ['is no TOML', `socket = ${PLANTED}`],
    ['has no path there', '[control]\nsocket = 7\n'],
  ])('is told where the file %s', (_, toml) => {
    const file = folder.write('qupskd.toml', toml);
    expect(() => loadControlSocket(file)).toThrow(ConfigError);
  });
});
