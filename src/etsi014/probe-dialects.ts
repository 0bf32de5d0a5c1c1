/**
 * In which other ways a KME may be asked, and the lines of `[kme]` that say so: for the probe. Pure.
 *
 * Only what does no harm is tried: a KME that does not know a path, a method or a field says so and
 * delivers nothing. The unit of `size` is not among it, for a KME takes either.
 */
import { STANDARD_BASE_PATH } from './conformance.ts';
import type { KmeApi } from './dialect.ts';

/** Paths that KMEs are known to have. */
const BASE_PATHS = [STANDARD_BASE_PATH, '/keys'] as const;

/** The same KME below other paths. */
export function otherPaths(api: KmeApi): readonly KmeApi[] {
  return BASE_PATHS.filter((path) => path !== api.basePath).map((basePath) => ({
    ...api,
    basePath,
  }));
}

/** Other ways to ask for a key: first the method alone, then what the request holds. */
export function otherRequests(api: KmeApi): readonly KmeApi[] {
  const { method, sendNumber, sendSize } = api.dialect;
  const flags = [true, false] as const;
  const methods = [method, method === 'GET' ? 'POST' : 'GET'] as const;
  return flags
    .flatMap((number) => flags.map((size) => ({ sendNumber: number, sendSize: size })))
    .flatMap((request) => methods.map((other) => ({ ...request, method: other })))
    .filter((other) => !isSame(other, { method, sendNumber, sendSize }))
    .sort((a, b) => changes(a, api) - changes(b, api))
    .map((other) => ({ ...api, dialect: { ...api.dialect, ...other } }));
}

/** Other spellings of a key_ID. */
export function otherKeyIdCases(api: KmeApi): readonly KmeApi[] {
  return (['lower', 'upper'] as const)
    .filter((keyIdCase) => keyIdCase !== api.dialect.keyIdCase)
    .map((keyIdCase) => ({ ...api, dialect: { ...api.dialect, keyIdCase } }));
}

/** The lines of `[kme]` that turn what is configured into what fits. */
export function settingsFor(configured: KmeApi, fitting: KmeApi): readonly string[] {
  const [before, after] = [settingsOf(configured), settingsOf(fitting)];
  return Object.entries(after).flatMap(([key, value]) =>
    before[key] === value ? [] : `${key} = ${JSON.stringify(value)}`,
  );
}

function settingsOf({ basePath, dialect }: KmeApi): Readonly<Record<string, string | boolean>> {
  return {
    base_path: basePath,
    method: dialect.method,
    send_number: dialect.sendNumber,
    send_size: dialect.sendSize,
    key_id_case: dialect.keyIdCase,
  };
}

type Request = Pick<KmeApi['dialect'], 'method' | 'sendNumber' | 'sendSize'>;

function isSame(a: Request, b: Request): boolean {
  return a.method === b.method && a.sendNumber === b.sendNumber && a.sendSize === b.sendSize;
}

/** The settings in which two requests differ: the fewer, the likelier. */
function changes(request: Request, { dialect }: KmeApi): number {
  return [
    request.method !== dialect.method,
    request.sendNumber !== dialect.sendNumber,
    request.sendSize !== dialect.sendSize,
  ].filter(Boolean).length;
}
