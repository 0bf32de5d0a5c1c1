/** The table [kme], at the top level or in a link of its own: the KME that keys come from. */
import { KEY_TIMEOUT_MS } from '../../machines/timing.ts';
import { isLoopbackUrl } from '../loopback.ts';
import { SECOND_MS } from './duration.ts';
import { choice, duration, URL_FIELD } from './fields.ts';
import type { Report } from './problem.ts';
import { isComplete, optional, readTable } from './table.ts';
import { clientTls, TLS_FIELDS } from './tls.ts';
import type { KmeConfig } from './types.ts';

const TIMEOUT_MIN_MS = 100;
/** The client must give up before the link machine does, or a delivered key would go unnoticed. */
const TIMEOUT_MAX_MS = KEY_TIMEOUT_MS - SECOND_MS;
const TIMEOUT_DEFAULT_MS = 10 * SECOND_MS;
const CONNECT_TIMEOUT_DEFAULT_MS = 3 * SECOND_MS;

const TIMEOUT_FIELD = duration(TIMEOUT_MIN_MS, TIMEOUT_MAX_MS, '10s');

const FIELDS = {
  url: { ...URL_FIELD, example: '"https://kme.example"' },
  method: optional(choice('POST', 'GET'), 'POST'),
  connect_timeout: optional({ ...TIMEOUT_FIELD, example: '"3s"' }, null),
  timeout: optional(TIMEOUT_FIELD, TIMEOUT_DEFAULT_MS),
  ...TLS_FIELDS,
} as const;

/**
 * Reads [kme].
 *
 * @param raw - decoded TOML, untrusted
 * @returns undefined where something was refused
 */
export function readKme(raw: unknown, path: string, report: Report): KmeConfig | undefined {
  const draft = readTable(raw, FIELDS, path, report);
  const { url, timeout, connect_timeout: connectTimeout } = draft;

  const tls = clientTls(draft, url, path, report);
  if (url !== undefined) checkUrl(url, `${path}.url`, report);
  if (timeout !== undefined && typeof connectTimeout === 'number' && connectTimeout > timeout) {
    const message = 'is longer than timeout, which covers the whole call.';
    report.problem(`${path}.connect_timeout`, message, 'Make it at most as long as timeout.');
  }
  if (!isComplete(draft, FIELDS)) return undefined;
  return {
    url: draft.url,
    method: draft.method,
    tls,
    connectTimeoutMs: draft.connect_timeout ?? Math.min(CONNECT_TIMEOUT_DEFAULT_MS, draft.timeout),
    totalTimeoutMs: draft.timeout,
  };
}

function checkUrl(url: string, path: string, report: Report): void {
  if (/\/api\/v1(?:\/keys)?$/.test(url)) {
    const message = 'ends in the path that every call to a KME begins with.';
    report.problem(path, message, 'Leave out /api/v1 and what follows.');
  }
  if (url.startsWith('http:') && !isLoopbackUrl(url)) {
    const message = 'is plain http to another machine: QKD keys cross the network unprotected.';
    report.warning(path, message, 'Write https:// with cacert, cert and key.');
  }
}
