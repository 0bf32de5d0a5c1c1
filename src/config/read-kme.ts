/** The table [kme], at the top level or in a link of its own: the KMEs that keys come from. */
import { KEY_TIMEOUT_MS } from '../../machines/timing.ts';
import { isLoopbackUrl } from '../loopback.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './duration.ts';
import {
  BASE_PATH_FIELD,
  choice,
  duration,
  FLAG_FIELD,
  KEY_COUNT_FIELD,
  KME_ID_FIELD,
  URLS_FIELD,
} from './fields.ts';
import type { Report } from './problem.ts';
import { isComplete, optional, readTable } from './table.ts';
import { clientTls, TLS_FIELDS } from './tls.ts';
import type { KmeConfig } from './types.ts';

/** More than an operator would write for one end of a link. */
const URLS_MAX = 8;
const BASE_PATH_DEFAULT = '/api/v1/keys';

const TIMEOUT_MIN_MS = 100;
/** The client must give up before the link machine does, or a delivered key would go unnoticed. */
const TIMEOUT_MAX_MS = KEY_TIMEOUT_MS - SECOND_MS;
const TIMEOUT_DEFAULT_MS = 10 * SECOND_MS;
const CONNECT_TIMEOUT_DEFAULT_MS = 3 * SECOND_MS;

const STATUS_INTERVAL_MIN_MS = SECOND_MS;
const STATUS_INTERVAL_MAX_MS = 24 * HOUR_MS;
const STATUS_INTERVAL_DEFAULT_MS = MINUTE_MS;

/** At the default interval, what is left for twenty minutes. */
const LOW_WATER_DEFAULT_KEYS = 10;

const TIMEOUT_FIELD = duration(TIMEOUT_MIN_MS, TIMEOUT_MAX_MS, '10s');
const STATUS_INTERVAL_FIELD = duration(STATUS_INTERVAL_MIN_MS, STATUS_INTERVAL_MAX_MS, '60s');

const FIELDS = {
  url: URLS_FIELD,
  base_path: optional(BASE_PATH_FIELD, BASE_PATH_DEFAULT),
  method: optional(choice('POST', 'GET'), 'POST'),
  send_number: optional(FLAG_FIELD, true),
  send_size: optional(FLAG_FIELD, true),
  size_unit: optional(choice('bits', 'bytes'), 'bits'),
  key_id_case: optional(choice('as-given', 'lower', 'upper'), 'as-given'),
  kme_id: optional(KME_ID_FIELD, null),
  connect_timeout: optional({ ...TIMEOUT_FIELD, example: '"3s"' }, null),
  timeout: optional(TIMEOUT_FIELD, TIMEOUT_DEFAULT_MS),
  status_interval: optional(STATUS_INTERVAL_FIELD, STATUS_INTERVAL_DEFAULT_MS),
  low_water: optional(KEY_COUNT_FIELD, LOW_WATER_DEFAULT_KEYS),
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
  const { url: urls, timeout, connect_timeout: connectTimeout } = draft;

  const plainUrl = urls?.find((url) => url.startsWith('http:'));
  const tls = clientTls(draft, plainUrl ?? urls?.[0], path, report);
  if (urls !== undefined) checkUrls(urls, draft.base_path, `${path}.url`, report);
  if (typeof draft.kme_id === 'string' && plainUrl !== undefined) {
    const message = 'names the KME in its certificate, but a url is plain http.';
    report.problem(`${path}.kme_id`, message, 'Write https://, or remove kme_id.');
  }
  if (timeout !== undefined && typeof connectTimeout === 'number' && connectTimeout > timeout) {
    const message = 'is longer than timeout, which covers the whole call.';
    report.problem(`${path}.connect_timeout`, message, 'Make it at most as long as timeout.');
  }
  if (!isComplete(draft, FIELDS)) return undefined;
  return {
    urls: draft.url,
    basePath: draft.base_path,
    dialect: {
      method: draft.method,
      sendNumber: draft.send_number,
      sendSize: draft.send_size,
      sizeUnit: draft.size_unit,
      keyIdCase: draft.key_id_case,
    },
    kmeId: draft.kme_id,
    tls,
    connectTimeoutMs: draft.connect_timeout ?? Math.min(CONNECT_TIMEOUT_DEFAULT_MS, draft.timeout),
    totalTimeoutMs: draft.timeout,
    statusIntervalMs: draft.status_interval,
    lowWaterKeys: draft.low_water,
  };
}

function checkUrls(
  urls: readonly string[],
  basePath: string | undefined,
  path: string,
  report: Report,
): void {
  if (urls.length > URLS_MAX) {
    report.problem(path, `lists more than ${URLS_MAX} URLs.`, 'Keep those that keys come from.');
  }
  if (new Set(urls).size < urls.length) {
    report.problem(path, 'names the same URL twice.', 'Remove one of the two.');
  }
  if (urls.some((url) => endsInApiPath(url, basePath))) {
    const message = 'ends in the path that every call to a KME begins with.';
    report.problem(path, message, 'Leave out /api/v1 and what follows; see base_path.');
  }
  if (urls.some((url) => url.startsWith('http:') && !isLoopbackUrl(url))) {
    const message = 'is plain http to another machine: QKD keys cross the network unprotected.';
    report.warning(path, message, 'Write https:// with cacert, cert and key.');
  }
}

function endsInApiPath(url: string, basePath: string | undefined): boolean {
  if (basePath !== undefined && basePath !== '' && url.endsWith(basePath)) return true;
  return /\/api\/v1(?:\/keys)?$/.test(url);
}
