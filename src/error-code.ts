/**
 * What may be said of an error that quPSKd did not raise itself: its code or its class, never its
 * message. A message may quote data: JSON.parse cites the text that it could not read.
 */

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
const CLASS_NAME = /^[A-Za-z][A-Za-z0-9]{0,63}$/;

/** The stable code (`ENOENT`, `ECONNREFUSED`), else the class name, else `unknown error`. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown error';
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === 'string' && CODE.test(code)) return code;
  return typeof name === 'string' && CLASS_NAME.test(name) ? name : 'unknown error';
}
