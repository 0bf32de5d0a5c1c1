/**
 * TLS files to options of an agent or a server, checked at start and not at the first handshake.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { TlsConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';

export interface TlsOptions {
  /** ETSI GS QKD 014 V1.1.1, clause 5.1: 1.2 or higher. */
  readonly minVersion: 'TLSv1.2';
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * Reads the files and tries them together.
 *
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` where TLS cannot use them
 */
export function tlsOptions(tls: TlsConfig): TlsOptions {
  const options: TlsOptions = {
    minVersion: 'TLSv1.2',
    ...(tls.cacert === null ? {} : { ca: read(tls.cacert) }),
    ...(tls.cert === null ? {} : { cert: read(tls.cert) }),
    ...(tls.key === null ? {} : { key: read(tls.key) }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const files = [tls.cacert, tls.cert, tls.key].filter((file) => file !== null).join(', ');
    throw new QupskdError(
      'ERR_CONFIG_INVALID',
      `TLS cannot use ${files} (${errorCode(error)})`,
      'Check that each file is PEM without a passphrase, and that key belongs to cert.',
    );
  }
  return options;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const message = `the TLS file ${file} cannot be read (${errorCode(error)})`;
    throw new QupskdError('ERR_CONFIG_UNREADABLE', message, 'Check its path and permissions.');
  }
}
