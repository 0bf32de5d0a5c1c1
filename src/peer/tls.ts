/**
 * TLS files of the peer API, for either end: read, checked, never shown.
 *
 * TLS 1.2 is the least that either end speaks.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';

/**
 * Reads the files that a TlsConfig names and tries them.
 *
 * @param owner - where they are configured, for the message
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` when they do not fit together
 */
export function readTls(tls: TlsConfig | null, owner: string): SecureContextOptions {
  const options: SecureContextOptions = { minVersion: 'TLSv1.2' };
  const { cacert = null, cert = null, key = null } = tls ?? {};
  if (cacert !== null) options.ca = readPem(cacert);
  if (cert !== null) options.cert = readPem(cert);
  if (key !== null) options.key = readPem(key);
  try {
    createSecureContext(options);
  } catch (error) {
    throw new QupskdError(
      'ERR_CONFIG_INVALID',
      `The TLS files of ${owner} cannot be used (${errorCode(error)}).`,
      'Check that each file is PEM without a passphrase, and that key belongs to cert.',
    );
  }
  return options;
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const message = `The TLS file ${path} cannot be read (${errorCode(error)}).`;
    throw new QupskdError('ERR_CONFIG_UNREADABLE', message, 'Check its path and permissions.');
  }
}
