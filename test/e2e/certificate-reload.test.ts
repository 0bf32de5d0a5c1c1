/**
 * End to end: the certificate of an end is replaced by one of a new CA while the daemons run; rotation
 * goes on without a failure, and both the KME and the peer are shown the new one.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type LeafFiles, makeCertificates } from '../support/certificates.ts';
import type { Site } from '../support/programs/site.ts';
import { addTlsLink, type TlsFiles } from '../support/programs/tls-link.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, type SharedLink } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const AGREEMENT_MS_MAX = 10_000;
/** Two polls of the daemon, and room for a busy machine. */
const RELOAD_MS_MAX = 20_000;

let programs: Programs;
let cacert: string;
let renewed: LeafFiles;
let live: LeafFiles;
let alice: Site;
let bob: Site;
let link: SharedLink;

beforeAll(async () => {
  programs = await Programs.build();
  const folder = (name: string): string => join(programs.folder, name);
  const [former, next] = await Promise.all([
    makeCertificates(folder('former'), ['sae_alice', 'sae_bob', 'kme']),
    makeCertificates(folder('next'), ['sae_alice']),
  ]);
  cacert = folder('both-cas.pem');
  writeFileSync(cacert, [former, next].map((made) => readFileSync(made.cacert)).join('\n'));
  live = { cert: folder('alice.crt'), key: folder('alice.key') };
  put(former.leaf('sae_alice'));
  renewed = next.leaf('sae_alice');

  const { cert, key } = former.leaf('kme');
  const kme = await programs.kme(['--cacert', cacert, '--cert', cert, '--key', key]);
  const aliceFiles = { cacert, ...live };
  const bobFiles = { cacert, ...former.leaf('sae_bob') };
  alice = await siteThat('alice', aliceFiles, kme.url);
  bob = await siteThat('bob', bobFiles, kme.url);
  addTlsLink(alice, bob, aliceFiles);
  addTlsLink(bob, alice, bobFiles);
  link = { name: 'link', ends: [{ site: alice }, { site: bob }] };
  await Promise.all([kme.start(), alice.start(), bob.start()]);
});

afterAll(async () => {
  await programs.close();
});

function put(files: LeafFiles): void {
  for (const part of ['key', 'cert'] as const) {
    copyFileSync(files[part], `${live[part]}.new`);
    renameSync(`${live[part]}.new`, live[part]);
  }
}

async function siteThat(name: string, files: TlsFiles, url: string): Promise<Site> {
  const site = await programs.site(name);
  // The certificate of the simulated KME names it `kme`.
  site.set({ listen: { ...files }, kme: { url, kme_id: 'kme', ...files } });
  return site;
}

/** The serial number of the certificate that alice's peer API shows. */
async function serialShown(): Promise<string> {
  const socket = connect({ port: alice.port, host: '127.0.0.1', ca: readFileSync(cacert) });
  // Without a certificate of its own it is turned away afterwards.
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

test('a new certificate is taken into use while keys rotate', async () => {
  await agreement(link, [], AGREEMENT_MS_MAX);
  const linesBefore = [alice, bob].map(({ logs }) => logs.length);
  put(renewed);
  const line = await waitFor(
    'alice to take the new files',
    () => alice.logs.find(({ message }) => message === 'new TLS files are in use'),
    RELOAD_MS_MAX,
  );
  const { serialNumber } = new X509Certificate(readFileSync(renewed.cert));
  expect(line).toMatchObject({ level: 'info', file: live.cert });
  expect(line['reason']).toContain(`CN=sae_alice, serial ${serialNumber}, ends `);
  expect(await serialShown()).toBe(serialNumber);
  const first = await agreement(link, psksOf(link), AGREEMENT_MS_MAX);
  await agreement(link, [...psksOf(link), first], AGREEMENT_MS_MAX);
  const complaints = [alice, bob].flatMap(({ logs }, index) =>
    logs.slice(linesBefore[index]).filter(({ level }) => level === 'warn' || level === 'error'),
  );
  expect(complaints).toEqual([]);
});
