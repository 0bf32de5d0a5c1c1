/** A psk and TLS files that a systemd unit hands over with LoadCredential=. */
import { mkdirSync } from 'node:fs';
import { afterEach, expect, test } from '@jest/globals';
import { withCredentials } from '../../../src/config/credentials.ts';
import { edited, Folder, STRONG_PSK, STRUCTURED } from './toml-file.ts';

const VARIABLE = 'CREDENTIALS_DIRECTORY';
const CREDENTIALS = `\${${VARIABLE}}`;

const folder = new Folder();
mkdirSync(`${folder.path}/credentials`);
const credentials = `${folder.path}/credentials`;

const withPskFile = (file: string): string =>
  edited(STRUCTURED, [`psk = "${STRONG_PSK}"`, `psk_file = "${file}"`]);

afterEach(() => {
  delete process.env[VARIABLE];
});

test.each([
  ['owned by the service', 0o400],
  ['readable by an access list, which shows in the bits of the group', 0o440],
])('a credential %s is taken', async (_what, mode) => {
  process.env[VARIABLE] = credentials;
  folder.write(`credentials/bob.psk-${mode}`, STRONG_PSK, mode);
  const { links } = await folder.load(withPskFile(`${CREDENTIALS}/bob.psk-${mode}`));
  expect(links[0]?.psk.reveal().toString()).toBe(STRONG_PSK);
});

test.each([
  ['others may read', 0o444],
  ['its group may change', 0o460],
])('a credential that %s is refused', async (_what, mode) => {
  process.env[VARIABLE] = credentials;
  folder.write(`credentials/open.psk-${mode}`, STRONG_PSK, mode);
  expect(await folder.problems(withPskFile(`${CREDENTIALS}/open.psk-${mode}`))).toEqual([
    'link[0].psk_file: is open to other users than its owner. Run chmod 600 on the file.',
  ]);
});

test('a file beside the credentials may be open to nobody', async () => {
  process.env[VARIABLE] = credentials;
  mkdirSync(`${folder.path}/credentials-of-others`);
  const file = folder.write('credentials-of-others/bob.psk', STRONG_PSK, 0o440);
  expect(await folder.problems(withPskFile(file))).toHaveLength(1);
});

test.each(['psk_file', 'cacert'])('%s without a service manager: says so', async (key) => {
  const file = `${CREDENTIALS}/file`;
  const toml =
    key === 'psk_file'
      ? withPskFile(file)
      : edited(STRUCTURED, [
          'url = "http://localhost:12345"',
          `url = "https://a"\n${key} = "${file}"`,
        ]);
  expect(await folder.problems(toml)).toEqual([
    `${key === 'psk_file' ? 'link[0]' : 'kme'}.${key}: cannot be read: there is no such file. ` +
      'It is a credential of the service, and there only while the service runs (LoadCredential=).',
  ]);
});

test.each([`$${VARIABLE}/x`, `/a/${CREDENTIALS}/x`, `${CREDENTIALS}x`, `\${HOME}/x`])(
  'nothing else is put in its place: %s',
  (path) => {
    process.env[VARIABLE] = credentials;
    expect(withCredentials(path)).toBe(path);
  },
);
