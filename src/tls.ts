/**
 * PEM files for TLS: read, tried together, never shown. For the configuration, which reports what is
 * wrong with them, and for every client and server that uses them.
 *
 * TLS 1.2 is the least that any of them speaks (ETSI GS QKD 014 V1.1.1, clause 5.1); where the other
 * side can, it is TLS 1.3. Both are said here, so that no option of Node can move them.
 *
 * Whoever uses the files takes them from a TlsSource: READ_ONCE, or one that follows their changes.
 */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
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
  readonly maxVersion: 'TLSv1.3';
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Files that can be used: as they were read, and as OpenSSL took them. */
export interface LoadedTls {
  readonly options: TlsOptions;
  readonly context: SecureContext;
}

/** Gives TLS files to those who use them. */
export interface TlsSource {
  /**
   * Reads the files that a TlsConfig names and tries them.
   *
   * @param tls - null: no files, and the CAs of the system
   * @param owner - whose files they are, for messages
   * @param use - told of what takes their place from now on; must not throw
   * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` when they do not fit together
   */
  follow(tls: TlsConfig | null, owner: string, use: (loaded: LoadedTls) => void): FollowedTls;
}

export interface FollowedTls {
  /** What the files hold at first. */
  readonly loaded: LoadedTls;
  /** Asks to be told no more. */
  readonly end: () => void;
}

/** For programs that end before their certificates do: changes are not looked for. */
export const READ_ONCE: TlsSource = {
  follow: (tls, owner) => ({ loaded: loadTls(tls, owner), end: () => {} }),
};

/**
 * Reads the files that a TlsConfig names and tries them.
 *
 * @see TlsSource.follow for what it takes and throws
 */
export function loadTls(tls: TlsConfig | null, owner: string): LoadedTls {
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
  try {
    return tryTogether(files);
  } catch (error) {
    const paths = TLS_PARTS.map((part) => tls?.[part]).filter((path) => path != null);
    throw new QupskdError(
      'ERR_CONFIG_INVALID',
      `The TLS files of ${owner} cannot be used (${errorCode(error)}): ${paths.join(', ')}.`,
      'Check that each file is PEM without a passphrase, and that key belongs to cert.',
    );
  }
}

/** As loadTls, for who needs the options alone. */
export function readTls(tls: TlsConfig | null, owner: string): TlsOptions {
  return loadTls(tls, owner).options;
}

/** Why TLS cannot use these files together: the code of an error; null where it can. */
export function faultOf(files: TlsFiles): string | null {
  try {
    tryTogether(files);
    return null;
  } catch (error) {
    return errorCode(error);
  }
}

/** @throws the error of OpenSSL where it cannot use them */
function tryTogether({ cacert, ...own }: TlsFiles): LoadedTls {
  const options: TlsOptions = {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ...(cacert && { ca: cacert }),
    ...own,
  };
  const context = createSecureContext(options);
  // OpenSSL takes a CA file without a single certificate, and would then trust nobody.
  if (cacert !== undefined) new X509Certificate(cacert);
  return { options, context };
}
