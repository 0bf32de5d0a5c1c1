/**
 * PEM files for TLS: read, tried together, never shown. For the configuration, which reports what is
 * wrong with them, and for every client and server that uses them.
 *
 * TLS 1.2 is the least that any of them speaks (ETSI GS QKD 014 V1.1.1, clause 5.1).
 */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { TlsConfig } from './config/types.ts';
import { errorCode } from './error-code.ts';
import { QupskdError } from './errors.ts';
import { readRegularFile } from './regular-file.ts';

/** The parts of a TlsConfig in the order in which they are read. */
export const TLS_PARTS = ['cacert', 'cert', 'key'] as const;
export type TlsPart = (typeof TLS_PARTS)[number];

/** What the files hold. */
export type TlsFiles = Partial<Record<TlsPart, Buffer>>;

/** As node:tls and node:https take them. */
export interface TlsOptions {
  readonly minVersion: 'TLSv1.2';
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * Reads the files that a TlsConfig names and tries them.
 *
 * @param tls - null: no files, and the CAs of the system
 * @param owner - whose files they are, for messages
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` when they do not fit together
 */
export function readTls(tls: TlsConfig | null, owner: string): TlsOptions {
  const files: TlsFiles = {};
  for (const part of TLS_PARTS) {
    const file = tls?.[part] ?? null;
    if (file === null) continue;
    const read = readRegularFile(file);
    if (typeof read === 'string') {
      const message = `The TLS file ${file} of ${owner} ${read}.`;
      throw new QupskdError('ERR_CONFIG_UNREADABLE', message, 'Check its path and permissions.');
    }
    files[part] = read.bytes;
  }
  const fault = faultOf(files);
  if (fault === null) return optionsOf(files);
  const paths = TLS_PARTS.map((part) => tls?.[part]).filter((path) => path != null);
  throw new QupskdError(
    'ERR_CONFIG_INVALID',
    `The TLS files of ${owner} cannot be used (${fault}): ${paths.join(', ')}.`,
    'Check that each file is PEM without a passphrase, and that key belongs to cert.',
  );
}

/** Why TLS cannot use these files together: the code of an error; null where it can. */
export function faultOf(files: TlsFiles): string | null {
  try {
    createSecureContext(optionsOf(files));
    // OpenSSL takes a CA file without a single certificate, and would then trust nobody.
    if (files.cacert !== undefined) new X509Certificate(files.cacert);
    return null;
  } catch (error) {
    return errorCode(error);
  }
}

function optionsOf({ cacert, ...own }: TlsFiles): TlsOptions {
  return { minVersion: 'TLSv1.2', ...(cacert && { ca: cacert }), ...own };
}
