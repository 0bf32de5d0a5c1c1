/**
 * Certificates for tests of mutual TLS: a CA and one leaf per name, as PEM files.
 *
 * Every leaf serves both ends: as a server for `localhost`, 127.0.0.1 and ::1, and as a client
 * whose common name is the given name (the SAE ID, where a KME asks for one). Call it twice for two
 * CAs that do not trust each other. Nothing here is fit for use outside tests.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, signLeaf, validFor } from '../../src/etsi014/simulator/authority.ts';

/** Paths of PEM files. */
export interface LeafFiles {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateFiles {
  /** Path of the CA certificate that signed every leaf. */
  readonly cacert: string;
  /** @throws Error when the name was not among those asked for */
  leaf(name: string): LeafFiles;
}

const HOSTS = ['localhost', '127.0.0.1', '::1'];
/** Longer than a certificate is warned of before its end. */
const VALIDITY = validFor(365);

/**
 * Makes a CA and a leaf for each name in a folder, which is created when missing.
 *
 * @param names - common names of the leaves; file names are numbered, so any text will do
 */
export async function makeCertificates(
  folder: string,
  names: readonly string[],
): Promise<CertificateFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const write = async (file: string, pem: string): Promise<string> => {
    const path = join(folder, file);
    await writeFile(path, pem, { mode: 0o600 });
    return path;
  };

  const authority = await makeAuthority(VALIDITY);
  const cacert = await write('ca.crt', authority.cert);

  const leaves = new Map<string, LeafFiles>();
  for (const [index, name] of names.entries()) {
    const leaf = await signLeaf(authority, { name, hosts: HOSTS, validity: VALIDITY });
    leaves.set(name, {
      cert: await write(`leaf-${index}.crt`, leaf.cert),
      key: await write(`leaf-${index}.key`, leaf.key),
    });
  }

  return {
    cacert,
    leaf(name) {
      const files = leaves.get(name);
      if (files === undefined) throw new Error(`no certificate was made for ${name}`);
      return files;
    },
  };
}
