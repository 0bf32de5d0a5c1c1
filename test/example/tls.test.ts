/** The configurations of the demo with mutual TLS, and the certificates that they name. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { End } from '../../example/demo/key-files.ts';
import { Certificates, secured, withMutualTls } from '../../example/demo/tls.ts';
import { loadConfig } from '../../src/config/load.ts';
import { commandLine } from '../../src/etsi014/simulator/options.ts';
import { makeFolder } from '../support/folders.ts';
import { buildPrograms } from '../support/programs/build.ts';

const KME_URL = 'https://localhost:12345';

let certificates: Certificates;

beforeAll(async () => {
  const { simulator } = await buildPrograms(makeFolder());
  certificates = new Certificates(join(makeFolder(), 'certificates'));
  await certificates.make(simulator);
});

describe.each(['alice', 'bob'] as const)('the configuration of %s', (end: End) => {
  const shippedFile = `example/qupskd_${end}.toml`;

  test('is the shipped one, with TLS in every place that knows it', async () => {
    const folder = makeFolder();
    const file = join(folder, 'demo.toml');
    const flat = readFileSync(shippedFile, 'utf8');
    const options = { end, certificates, kmeUrl: KME_URL, folder, interval: '3s' };
    await writeFile(file, withMutualTls(flat, options), { mode: 0o600 });
    const { links, listen, log, warnings } = await loadConfig(file);
    const expected = await loadConfig(shippedFile);
    const tls = certificates.filesOf(`sae_${end}`);
    const [link, shipped] = [links[0], expected.links[0]];

    expect(warnings).toEqual([]);
    expect(log).toEqual({ format: 'json', level: 'debug' });
    expect(listen).toEqual({ ...expected.listen, tls });
    expect(link?.kme).toMatchObject({ urls: [KME_URL], kmeId: `kme_${end}`, tls });
    expect(link).toEqual({
      ...shipped,
      kme: expect.anything(),
      psk: expect.anything(),
      url: secured(shipped?.url ?? ''),
      tls,
      intervalMs: 3_000,
      maxKeyAgeMs: 4_500,
      // What follows from the interval.
      maxLookaheadAgeMs: link?.maxLookaheadAgeMs,
      sinks: [{ type: 'file', path: join(folder, 'psk', end, `${shipped?.name}.key`) }],
    });
    expect(link?.psk.reveal()).toEqual(shipped?.psk.reveal());
  });
});

test('the simulator takes its options, as two KMEs that ask for certificates', async () => {
  let taken: unknown;
  const program = commandLine({
    serve: async (_host, _port, options) => {
      taken = options;
    },
    certs: async () => {},
  });
  const argv = [...certificates.simulatorOptions(), 'localhost', '0'];
  await program.parseAsync(argv, { from: 'user' });
  const [first, second] = ['kme_alice', 'kme_bob'].map((name) => certificates.filesOf(name));
  expect(taken).toMatchObject({
    ...first,
    kmeId: 'kme_alice',
    two: 0,
    peerKmeId: 'kme_bob',
    cert2: second?.cert,
    key2: second?.key,
  });
});
