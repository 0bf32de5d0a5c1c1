/**
 * The configuration as the rest of the program sees it: validated, defaults filled in, durations in
 * milliseconds, secrets wrapped. `load.ts` makes it from TOML; nobody else does.
 */
import type { Secret } from '../secret.ts';

export interface Config {
  /** The file it came from, for messages. */
  readonly file: string;
  readonly form: 'flat' | 'structured';
  readonly listen: ListenConfig;
  readonly log: LogConfig;
  readonly control: ControlConfig;
  /** null: no audit log is written. */
  readonly audit: AuditConfig | null;
  /** null: no metrics are served. */
  readonly metrics: MetricsConfig | null;
  /** null: no web page is served. */
  readonly dashboard: DashboardConfig | null;
  readonly links: readonly LinkConfig[];
  /** One line each, to be logged as warnings at start: what is allowed but weak. */
  readonly warnings: readonly string[];
}

export interface ListenConfig {
  readonly host: string;
  readonly port: number;
  /** Present when the peer API is served over mutual TLS. */
  readonly tls: TlsConfig | null;
}

/** Paths of PEM files, already checked to be readable. */
export interface TlsConfig {
  /** CA bundle that the other side's certificate must chain to; null for the system's. */
  readonly cacert: string | null;
  /** Own certificate; null where only the server authenticates. */
  readonly cert: string | null;
  readonly key: string | null;
}

export interface LogConfig {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly format: 'text' | 'json';
}

export interface AuditConfig {
  /** Path of the log, which is made with mode 0600 when missing; its folder must be there. */
  readonly file: string;
}

export interface MetricsConfig {
  readonly host: string;
  readonly port: number;
}

export interface DashboardConfig {
  readonly host: string;
  readonly port: number;
  /** Certificate and key; null: plain HTTP, which never leaves this machine. */
  readonly tls: TlsConfig | null;
  /** What opens the page; null: one is made at the start, and written to a file. */
  readonly token: Secret | null;
}

export interface ControlConfig {
  /** Path of the unix socket for `qupskd status`; null: the one that belongs to the file. */
  readonly socket: string | null;
}

export interface KmeConfig {
  /** Base URLs without the path prefix of the API and a trailing slash; the preferred one first. */
  readonly urls: readonly [string, ...string[]];
  /** Path below the URL at which the key delivery API lives: `/api/v1/keys` unless configured. */
  readonly basePath: string;
  readonly dialect: KmeDialect;
  /** What the KME's certificate must name (5.1); null: its host name alone is checked. */
  readonly kmeId: string | null;
  readonly tls: TlsConfig;
  readonly connectTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** Between two Get status; also asked after failures. */
  readonly statusIntervalMs: number;
  /** A stock below this many keys is warned about. */
  readonly lowWaterKeys: number;
}

/** How a KME wants to be asked, where KMEs differ. */
export interface KmeDialect {
  readonly method: 'GET' | 'POST';
  readonly sendNumber: boolean;
  readonly sendSize: boolean;
  /** The standard says bits. */
  readonly sizeUnit: 'bits' | 'bytes';
  /** In which case a key_ID is asked for; `as-given`: as the peer wrote it. */
  readonly keyIdCase: 'as-given' | 'lower' | 'upper';
}

export type OnExpiry = 'random' | 'keep' | 'remove';

/** What becomes of the PSKs in the sinks when the daemon is stopped. */
export type OnStop = 'keep' | 'random';

export interface LinkConfig {
  readonly name: string;
  readonly protocol: 1 | 2;
  /** null only with protocol 1, whose wire has no sender. */
  readonly localSaeId: string | null;
  readonly remoteSaeId: string;
  /** Base URL of the peer's API, without a trailing slash. */
  readonly url: string;
  /** TLS towards the peer; null for plain HTTP. */
  readonly tls: TlsConfig | null;
  /** Pre-shared secret of the two daemons; empty bytes when none is configured. */
  readonly psk: Secret;
  /**
   * Addresses that may use this link; null: those that the host of `url` resolves to (protocol 1),
   * any (protocol 2).
   */
  readonly allow: readonly string[] | null;
  readonly intervalMs: number;
  readonly maxKeyAgeMs: number;
  /** Keys laid by for a time without a KME; 0 for none. */
  readonly lookahead: number;
  /** A key laid by is overwritten when it is as old. */
  readonly maxLookaheadAgeMs: number;
  readonly onExpiry: OnExpiry;
  readonly onStop: OnStop;
  readonly kme: KmeConfig;
  readonly sinks: readonly SinkConfig[];
}

export type SinkConfig =
  | FileSinkConfig
  | WireguardSinkConfig
  | WgSetPskSinkConfig
  | StrongswanPpkSinkConfig
  | CommandSinkConfig;

export interface FileSinkConfig {
  readonly type: 'file';
  /** Path of the key file; its folder is made with mode 0700 when missing. */
  readonly path: string;
}

export interface WireguardSinkConfig {
  readonly type: 'wireguard';
  readonly interface: string;
  /** The peer's WireGuard public key, canonical base64 of 32 bytes. */
  readonly publicKey: string;
  readonly via: WireguardVia;
  /** Path or name of the `wg` program. */
  readonly program: string;
  /** Whether a peer without any PSK gets a random one at start. */
  readonly guard: boolean;
}

/** How an interface is spoken to: with `wg`, by its control socket, or by that where it has one. */
export type WireguardVia = 'auto' | 'wg' | 'uapi';

export interface WgSetPskSinkConfig {
  readonly type: 'wg-set-psk';
  readonly interface: string;
  readonly publicKey: string;
  readonly program: string;
}

export interface StrongswanPpkSinkConfig {
  readonly type: 'strongswan-ppk';
  /** Path of charon's VICI socket. */
  readonly socket: string;
  /** Name of the IKE connection, which belongs to the sink. */
  readonly connection: string;
  /** The connection in the words of swanctl.conf(5), without what the sink writes itself. */
  readonly definition: SwanctlSection;
}

/** Lists of files hold paths here. */
export interface SwanctlSection {
  readonly [key: string]: string | readonly string[] | SwanctlSection;
}

export interface CommandSinkConfig {
  readonly type: 'command';
  /** Program and arguments; no shell. */
  readonly argv: readonly [string, ...string[]];
  readonly timeoutMs: number;
}
