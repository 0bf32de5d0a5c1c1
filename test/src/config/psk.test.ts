/** Where the psk comes from, and when it is refused or warned of. */
import { expect, test } from '@jest/globals';
import { edited, FLAT, Folder, PLANTED, STRONG_PSK, STRUCTURED } from './toml-file.ts';

const folder = new Folder();

const without = (toml: string): string => edited(toml, [`psk = "${STRONG_PSK}"\n`, '']);
const fromFile = (file: string): string =>
  edited(without(STRUCTURED), [
    'url = "http://localhost:5556"',
    `url = "http://b:1"\npsk_file = "${file}"`,
  ]);

test.each(['', '\n', '\r\n', '\n\n'])('psk_file is read without the trailing %j', async (end) => {
  const file = folder.write('psk', `${STRONG_PSK}${end}`);
  const { links, warnings } = await folder.load(fromFile(file));
  expect(links[0]?.psk.reveal().toString()).toBe(STRONG_PSK);
  expect(warnings).toEqual([]);
});

const OPEN = 'is open to other users than its owner. Run chmod 600 on the file.';
test.each<[string, string | Buffer, number, string]>([
  ['group-readable', STRONG_PSK, 0o640, OPEN],
  ['world-readable', STRONG_PSK, 0o604, OPEN],
  ['empty', '\n', 0o600, 'is empty. Write a psk into the file; see qupskd genpsk.'],
  [
    'too long',
    PLANTED.repeat(300),
    0o600,
    'does not hold a text of at most 4096 bytes. Write the psk as text, one line; see qupskd genpsk.',
  ],
  [
    'not text',
    Buffer.alloc(32, 0xff),
    0o600,
    'does not hold a text of at most 4096 bytes. Write the psk as text, one line; see qupskd genpsk.',
  ],
])('a psk_file that is %s is refused', async (_title, content, mode, line) => {
  const file = folder.write('psk', content, mode);
  expect(await folder.problems(fromFile(file))).toEqual([`link[0].psk_file: ${line}`]);
});

test('a psk_file that is not there is refused', async () => {
  expect(await folder.problems(fromFile('/nonexistent/psk'))).toEqual([
    'link[0].psk_file: cannot be read: there is no such file. ' +
      'Make it with: (umask 077; qupskd genpsk > FILE).',
  ]);
});

test('a short psk is a warning on protocol 2', async () => {
  const toml = edited(STRUCTURED, [STRONG_PSK, PLANTED]);
  const { warnings } = await folder.load(toml);
  expect(warnings).toEqual([
    'link[0].psk: holds fewer than 32 characters: whoever records one message can try guesses ' +
      'offline. Make one with qupskd genpsk, for both ends.',
  ]);
});

test('a psk in a file that everybody can read is a warning', async () => {
  const { warnings } = await folder.load(STRUCTURED, 0o644);
  expect(warnings).toEqual([
    'link[0].psk: stands in a file that every user can read. Run chmod 640 on the file, or move ' +
      'the psk to a psk_file.',
  ]);
});

test.each(['localhost', '127.0.0.2', '::1', '[::1]'])('none is needed on %s', async (host) => {
  const toml = edited(without(STRUCTURED), ['host = "localhost"', `host = "${host}"`]);
  expect((await folder.load(toml)).links[0]?.psk.length).toBe(0);
});

test('on protocol 1 none is a warning, as the original does without', async () => {
  const toml = edited(without(FLAT), ['http://localhost:5556', 'http://192.0.2.1:5556']);
  const { warnings } = await folder.load(toml);
  expect(warnings).toContain(
    'psk: is missing: the PSKs rest on the QKD keys alone. Add psk or psk_file, the same at both ' +
      'ends (see qupskd genpsk).',
  );
});

test('nothing that a loaded configuration prints shows it', async () => {
  const config = await folder.load(STRUCTURED);
  expect(JSON.stringify(config)).not.toContain(PLANTED);
});
