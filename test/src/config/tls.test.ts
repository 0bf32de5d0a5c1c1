/** cacert, cert and key in [kme], [listen] and [[link]]. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { edited, FLAT, Folder, PLANTED, STRONG_PSK, STRUCTURED } from './toml-file.ts';

const NO_TLS = { cacert: null, cert: null, key: null };
const folder = new Folder();

const pem = { cacert: '', cert: '', key: '', otherKey: '' };
const lines = (): string => `cacert = "${pem.cacert}"\ncert = "${pem.cert}"\nkey = "${pem.key}"\n`;
const HTTPS: [string, string] = ['http://localhost:12345', 'https://kme.example'];
const withKme = (tls: string): string => edited(STRUCTURED, HTTPS, ['[[link]]', `${tls}[[link]]`]);

beforeAll(async () => {
  const names = [{ name: 'commonName', value: 'sae_alice' }];
  const [own, other] = await Promise.all([generate(names), generate(names)]);
  pem.cacert = folder.write('ca.pem', own.cert);
  pem.cert = folder.write('cert.pem', own.cert);
  pem.key = folder.write('key.pem', own.private);
  pem.otherKey = folder.write('other-key.pem', other.private);
});

test('the flat cacert, cert and key are for the KME', async () => {
  const { links } = await folder.load(edited(FLAT, HTTPS) + lines());
  const { cacert, cert, key } = pem;
  expect(links[0]).toMatchObject({ tls: null, kme: { tls: { cacert, cert, key } } });
});

test('mutual TLS with the peer takes the place of a psk', async () => {
  const toml = edited(
    STRUCTURED,
    [`psk = "${STRONG_PSK}"\n`, ''],
    ['http://localhost:5556', 'https://bob.example'],
    ['[[link.sink]]', `${lines()}[[link.sink]]`],
    ['[kme]', `${lines()}[kme]`],
  );
  const { links, listen } = await folder.load(toml);
  expect(listen.tls).not.toBeNull();
  expect(links[0]?.tls).toEqual(listen.tls);
  // Without a certificate towards the peer it is TLS, but not mutual.
  const oneSided = edited(toml, [`${lines()}[[link.sink]]`, '[[link.sink]]']);
  expect(await folder.problems(oneSided)).toEqual([
    expect.stringMatching(/^link\[0\]\.psk: is missing/),
  ]);
});

test('https without own files trusts the CAs of the system', async () => {
  const toml = edited(STRUCTURED, ['http://localhost:5556', 'https://bob.example']);
  expect((await folder.load(toml)).links[0]?.tls).toEqual(NO_TLS);
});

test.each<[string, () => string, string[]]>([
  [
    'a file that is not there',
    () => `cacert = "${folder.path}/none"\n`,
    ['kme.cacert: cannot be read: there is no such file. Write the path of a PEM file.'],
  ],
  [
    'a certificate without its key',
    () => `cert = "${pem.cert}"\n`,
    ['kme.key: is missing: cert, key go together. Add key, or remove the others.'],
  ],
  [
    'the key of another certificate',
    () => `cert = "${pem.cert}"\nkey = "${pem.otherKey}"\n`,
    [
      'kme: has TLS files that OpenSSL does not take together (ERR_OSSL_X509_KEY_VALUES_MISMATCH). See that they are PEM, that the key is without passphrase and fits the cert.',
    ],
  ],
  [
    'a CA file without a certificate',
    () => `cacert = "${folder.write('none.pem', PLANTED)}"\n`,
    [
      'kme: has TLS files that OpenSSL does not take together (ERR_OSSL_PEM_NO_START_LINE). See that they are PEM, that the key is without passphrase and fits the cert.',
    ],
  ],
])('%s is refused', async (_title, tls, expected) => {
  expect(await folder.problems(withKme(tls()))).toEqual(expected);
});

test('TLS files beside a plain http URL are refused', async () => {
  const toml = edited(STRUCTURED, ['[[link]]', `cacert = "${pem.cacert}"\n[[link]]`]);
  expect(await folder.problems(toml)).toEqual([
    'kme.url: is plain http, but there are TLS files for it. Write https://, or remove cacert, ' +
      'cert and key.',
  ]);
});

test('[listen] has all three or none', async () => {
  const toml = edited(STRUCTURED, ['[kme]', `cacert = "${pem.cacert}"\n[kme]`]);
  expect(await folder.problems(toml)).toEqual([
    'listen.cert: is missing: cacert, cert, key go together. Add cert, or remove the others.',
    'listen.key: is missing: cacert, cert, key go together. Add key, or remove the others.',
  ]);
});

test('a private key that others can read is a warning', async () => {
  const open = folder.write('open-key.pem', readFileSync(pem.key), 0o644);
  const { warnings } = await folder.load(withKme(lines().replace(pem.key, open)));
  expect(warnings).toEqual([
    'kme.key: is open to other users than its owner. Run chmod 600 on the file.',
  ]);
});

test('plain http to a KME on another machine is a warning', async () => {
  const { warnings } = await folder.load(
    edited(STRUCTURED, ['http://localhost:12345', 'http://kme.example']),
  );
  expect(warnings).toEqual([
    'kme.url: is plain http to another machine: QKD keys cross the network unprotected. ' +
      'Write https:// with cacert, cert and key.',
  ]);
});
