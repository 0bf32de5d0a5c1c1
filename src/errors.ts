/**
 * Every error that quPSKd raises on purpose: a stable code, what happened, what to do.
 *
 * A message names the field, file or status at fault and never the value: values may be secret.
 * Errors of libraries (an AxiosError holds the TLS private key and the response body) never leave
 * the file that caught them, neither as `cause` nor in a log.
 */

/** Stable codes; operators and scripts may rely on them. */
export type ErrorCode =
  | 'ERR_CONFIG_UNREADABLE' // the configuration file, or a file it names, cannot be read
  | 'ERR_CONFIG_SYNTAX' // not TOML
  | 'ERR_CONFIG_INVALID' // a key is unknown, missing, mistyped or contradicts another
  | 'ERR_CONFIG_ENVIRONMENT' // right by itself, but not on this machine: port in use, folder not writable
  | 'ERR_KME_UNREACHABLE' // no connection: the KME has not seen the request
  | 'ERR_KME_UNAVAILABLE' // 503 and what comes to the same: out of service or of keys for now
  | 'ERR_KME_UNAUTHORIZED' // 401
  | 'ERR_KME_KEY_NOT_FOUND' // the key_ID is not (or not yet) known to this KME
  | 'ERR_KME_REFUSED' // 400 and what comes to the same: it will not answer otherwise when asked again
  | 'ERR_KME_NO_STATUS' // this KME does not offer Get status
  | 'ERR_KME_NO_ANSWER' // the request left, no whole answer came: a key may have been delivered and lost
  | 'ERR_KME_FAULT' // 500 and any status that leaves open whether a key was delivered
  | 'ERR_KME_MALFORMED' // the answer is not what clause 6 says
  | 'ERR_PEER_MALFORMED' // a peer message is not what docs/protocol.md says
  | 'ERR_PEER_MISMATCH' // the two ends of a link are set so that they cannot work together
  | 'ERR_SINK_FAILED' // a sink refused or could not take the PSK
  | 'ERR_SINK_TIMEOUT' // a sink's program did not end in time and was killed
  | 'ERR_TUNNEL_EXPOSED' // a tunnel carries traffic without an agreed PSK
  | 'ERR_TUNNEL_NO_SESSION' // there is traffic, and no session that uses the PSK
  | 'ERR_INTERNAL'; // a broken invariant: a bug in quPSKd

/**
 * An error raised by quPSKd.
 *
 * @see ErrorCode for what each code says
 */
export class QupskdError extends Error {
  readonly code: ErrorCode;
  /** What the operator can do about it: one sentence, or undefined where nothing helps. */
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, remedy?: string) {
    super(message);
    this.name = 'QupskdError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** True where the KME has certainly delivered no key, so that another KME may be asked for one. */
export function keyCertainlyNotDelivered(code: ErrorCode): boolean {
  return keyMayComeLater(code) || code === 'ERR_KME_UNAUTHORIZED' || code === 'ERR_KME_REFUSED';
}

/** True where the KME has certainly delivered no key, and may do so when it is asked again. */
export function keyMayComeLater(code: ErrorCode): boolean {
  return (
    code === 'ERR_KME_UNREACHABLE' ||
    code === 'ERR_KME_UNAVAILABLE' ||
    code === 'ERR_KME_KEY_NOT_FOUND'
  );
}
