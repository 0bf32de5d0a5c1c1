/**
 * End to end: mutual TLS towards the KME and between the peers takes the place of the psk; and whoever
 * shows no fitting certificate gets nothing.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type CertificateFiles, makeCertificates } from '../support/certificates.ts';
import type { Kme } from '../support/programs/kme.ts';
import type { Site } from '../support/programs/site.ts';
import { addTlsLink, type TlsFiles } from '../support/programs/tls-link.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, type SharedLink } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const AGREEMENT_MS_MAX = 10_000;
const REFUSAL_MS_MAX = 10_000;

let programs: Programs;
let certificates: CertificateFiles;
let kme: Kme;
let alice: Site;
let link: SharedLink;

beforeAll(async () => {
  programs = await Programs.build();
  const names = ['sae_alice', 'sae_bob', 'sae_mallory', 'kme'];
  certificates = await makeCertificates(join(programs.folder, 'certificates'), names);
  const { cacert, cert, key } = filesOf(certificates, 'kme');
  kme = await programs.kme(['--cacert', cacert, '--cert', cert, '--key', key]);
  const aliceFiles = filesOf(certificates, 'sae_alice');
  const bobFiles = filesOf(certificates, 'sae_bob');
  alice = await tlsSite('alice', 'sae_alice', aliceFiles);
  const bob = await tlsSite('bob', 'sae_bob', bobFiles);
  addTlsLink(alice, bob, aliceFiles);
  addTlsLink(bob, alice, bobFiles);
  link = { name: 'link', ends: [{ site: alice }, { site: bob }] };
  await Promise.all([kme.start(), alice.start(), bob.start()]);
});

afterAll(async () => {
  await programs.close();
});

/** @param files - the certificate that it shows, with its key and its CA */
async function tlsSite(name: string, saeId: string, files: TlsFiles): Promise<Site> {
  const site = await programs.site(name, saeId);
  site.set({ listen: files, kme: { url: kme.url, ...files } });
  return site;
}

function filesOf(made: CertificateFiles, name: string): TlsFiles {
  return { cacert: made.cacert, ...made.leaf(name) };
}

/** A daemon that says it is bob, and asks alice for a PSK. */
async function startImpostor(name: string, files: TlsFiles): Promise<Site> {
  const impostor = await tlsSite(name, 'sae_bob', files);
  addTlsLink(impostor, alice, files);
  await impostor.start();
  return impostor;
}

test('two ends with certificates and no psk agree, and go on', async () => {
  const first = await agreement(link, [], AGREEMENT_MS_MAX);
  await agreement(link, [first], AGREEMENT_MS_MAX);
});

test('a certificate of the same CA for another SAE speaks for nobody else', async () => {
  const impostor = await startImpostor('mallory', filesOf(certificates, 'sae_mallory'));
  await waitFor(
    'alice to refuse',
    () =>
      alice.logs.some(({ code, reason }) => {
        return code === 'unauthenticated' && String(reason).includes('client certificate');
      }),
    REFUSAL_MS_MAX,
  );
  await agreement(link, psksOf(link), AGREEMENT_MS_MAX);
  expect(impostor.psk('link')).toBeNull();
  await impostor.process.crash();
});

test('a certificate of another CA does not get as far as HTTP', async () => {
  const folder = join(programs.folder, 'other-certificates');
  const impostor = await startImpostor(
    'eve',
    filesOf(await makeCertificates(folder, ['sae_bob']), 'sae_bob'),
  );
  await waitFor(
    'eve to fail',
    () => impostor.logs.some(({ message }) => message === 'no answer of the peer'),
    REFUSAL_MS_MAX,
  );
  await agreement(link, psksOf(link), AGREEMENT_MS_MAX);
  expect(impostor.psk('link')).toBeNull();
  await impostor.process.crash();
});
