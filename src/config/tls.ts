/** The keys `cacert`, `cert` and `key`, which mean the same in [kme], [listen] and [[link]]. */
import { faultOf, TLS_PARTS, type TlsFiles, type TlsPart } from '../tls.ts';
import { READ_PATH_FIELD } from './fields.ts';
import { readPemFile } from './files.ts';
import type { Report } from './problem.ts';
import { type Draft, optional } from './table.ts';
import type { TlsConfig } from './types.ts';

const PEM_FIELD = optional({ ...READ_PATH_FIELD, example: '"/etc/qupskd/file.pem"' }, null);

export const TLS_FIELDS = { cacert: PEM_FIELD, cert: PEM_FIELD, key: PEM_FIELD } as const;

type TlsDraft = Draft<typeof TLS_FIELDS>;

/**
 * Checks the TLS keys of a table that calls somebody: the files, and that a certificate has its key.
 *
 * @param url - where the calls go; undefined when it was refused
 * @param path - path of the table
 */
export function clientTls(
  draft: TlsDraft,
  url: string | undefined,
  path: string,
  report: Report,
): TlsConfig {
  const given = TLS_PARTS.filter((part) => draft[part] !== null);
  if (given.includes('cert') || given.includes('key')) {
    reportMissing(draft, ['cert', 'key'], path, report);
  }
  if (given.length > 0 && url?.startsWith('http:')) {
    const message = 'is plain http, but there are TLS files for it.';
    report.problem(`${path}.url`, message, 'Write https://, or remove cacert, cert and key.');
  }
  return checkedFiles(draft, path, report);
}

/**
 * Checks the TLS keys of [listen]: all three or none, because the peer API over TLS asks its clients
 * for certificates.
 */
export function serverTls(draft: TlsDraft, path: string, report: Report): TlsConfig | null {
  if (TLS_PARTS.every((part) => draft[part] === null)) return null;
  reportMissing(draft, TLS_PARTS, path, report);
  return checkedFiles(draft, path, report);
}

/**
 * Checks the TLS keys of [dashboard]: a certificate and its key, or neither. Browsers show a token, and
 * no certificate.
 */
export function webTls(
  draft: Pick<TlsDraft, 'cert' | 'key'>,
  path: string,
  report: Report,
): TlsConfig | null {
  const whole = { ...draft, cacert: null };
  if (TLS_PARTS.every((part) => whole[part] === null)) return null;
  reportMissing(whole, ['cert', 'key'], path, report);
  return checkedFiles(whole, path, report);
}

function reportMissing(
  draft: TlsDraft,
  needed: readonly TlsPart[],
  path: string,
  report: Report,
): void {
  for (const part of needed.filter((name) => draft[name] === null)) {
    const message = `is missing: ${needed.join(', ')} go together.`;
    report.problem(`${path}.${part}`, message, `Add ${part}, or remove the others.`);
  }
}

function checkedFiles(draft: TlsDraft, path: string, report: Report): TlsConfig {
  const files: TlsFiles = {};
  const problemsBefore = report.problems.length;
  for (const part of TLS_PARTS) {
    const file = draft[part];
    if (typeof file !== 'string') continue;
    const pem = readPemFile(file, `${path}.${part}`, part === 'key', report);
    if (pem !== undefined) files[part] = pem;
  }
  // A certificate of another key, or a file that is no PEM, would otherwise show at the first call.
  const fault = report.problems.length === problemsBefore ? faultOf(files) : null;
  if (fault !== null) {
    const message = `has TLS files that OpenSSL does not take together (${fault}).`;
    const remedy = 'See that they are PEM, that the key is without passphrase and fits the cert.';
    report.problem(path, message, remedy);
  }
  files.key?.fill(0);
  // A refused path is reported, so that nobody sees the null in its place.
  const { cacert, cert, key } = draft;
  return { cacert: cacert ?? null, cert: cert ?? null, key: key ?? null };
}
