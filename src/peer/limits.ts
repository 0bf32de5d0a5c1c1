/**
 * Every limit of the peer API server, with its unit and its reason.
 *
 * What depends on how many links the daemon serves grows with them: one remote daemon may hold many
 * links from one address. Tests shorten them; the daemon takes them as they are.
 */
import { PEER_BODY_BYTES_MAX } from './messages.ts';

export interface PeerServerLimits {
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  readonly headersMax: number;
  /** From the connection, or the end of the request before, to the last header. */
  readonly headersTimeoutMs: number;
  /** The same to the last byte of the body. */
  readonly requestTimeoutMs: number;
  /** How often the two timeouts above are looked at. */
  readonly timeoutCheckMs: number;
  readonly tlsHandshakeTimeoutMs: number;
  /** An idle connection is closed after this. The client gives up its own earlier. */
  readonly keepAliveMs: number;
  readonly connectionsMax: number;
  /** From one source address, so that one host cannot take all of them. */
  readonly connectionsPerSourceMax: number;
  /** Added to both for each link. */
  readonly connectionsPerLink: number;
  readonly rateWindowMs: number;
  /** Requests of one source address (IPv6: of one /56) in a window. */
  readonly rateRequestsMax: number;
  /** Added for each link: an exchange and both its /effect, twice in a window, with repetitions. */
  readonly rateRequestsPerLink: number;
  /** Requests of one link that wait for an answer of its machine. */
  readonly linkRequestsMax: number;
  /** Longer than the machine itself takes at the worst (KEY_TIMEOUT_MS): a backstop. */
  readonly linkAnswerTimeoutMs: number;
  /** Looking up the addresses of a protocol 1 peer's host. */
  readonly resolveTimeoutMs: number;
  /** For so long the addresses found, or that none was found, are believed. */
  readonly resolveTtlMs: number;
  /** Requests that are being answered when the server closes may take so long. */
  readonly closeGraceMs: number;
}

export const PEER_SERVER_LIMITS: PeerServerLimits = {
  bodyBytesMax: PEER_BODY_BYTES_MAX,
  headerBytesMax: 8 * 1024,
  headersMax: 64,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  timeoutCheckMs: 1_000,
  tlsHandshakeTimeoutMs: 5_000,
  keepAliveMs: 30_000,
  connectionsMax: 256,
  connectionsPerSourceMax: 32,
  connectionsPerLink: 4,
  rateWindowMs: 10_000,
  rateRequestsMax: 200,
  rateRequestsPerLink: 16,
  linkRequestsMax: 16,
  linkAnswerTimeoutMs: 20_000,
  resolveTimeoutMs: 3_000,
  resolveTtlMs: 10_000,
  closeGraceMs: 500,
};
