/**
 * A simulated KME as a server: an ETSI GS QKD 014 API over keys of its own making.
 *
 * One simulator stands for the KMEs at both ends of any number of links, and delivers to every SAE,
 * unless it has a partner to tell of its keys.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5
 */
import type { TlsConfig } from '../../config/types.ts';
import { HttpListener } from '../../http-listener.ts';
import { readTls } from '../../tls.ts';
import { createApp } from './api.ts';
import type { Pem } from './authority.ts';
import { Dialect, type DialectOptions } from './dialect.ts';
import { FaultEngine } from './fault-engine.ts';
import { FaultPlan } from './fault-plan.ts';
import { Shorthands } from './shorthands.ts';
import { commitStandingFaults } from './standing-faults.ts';
import { StatelessKeys } from './stateless.ts';
import { KeyStore, type Stock, type StoreOptions, type ToldKey } from './store.ts';
import { newTally, type Tally } from './tally.ts';

const CONNECTIONS_MAX = 1_024;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;

export interface SimulatorOptions {
  /** source_KME_ID. */
  readonly kmeId?: string;
  /** target_KME_ID; without it this KME serves both ends. */
  readonly partnerKmeId?: string;
  /** Take keys that the partner tells of over HTTP. */
  readonly listensToPartner?: boolean;
  /** Derive each key from its key_ID instead of storing it. */
  readonly stateless?: boolean;
  readonly store?: Partial<StoreOptions>;
  /** `cert` and `key` for HTTPS; with `cacert`, mutual TLS. */
  readonly tls?: TlsConfig | null;
  /** In the place of `cert` and `key` while a fault wants it. */
  readonly expired?: Pem | null;
  readonly dialect?: Partial<DialectOptions>;
  /** Shared where several KMEs have their faults from one plan. */
  readonly plan?: FaultPlan;
}

export interface Simulator {
  readonly kmeId: string;
  /** To be changed at will while it runs. */
  readonly plan: FaultPlan;
  /** The plan's common faults by short names. */
  readonly faults: Shorthands;
  readonly tally: Tally;
  /** What the pools hold. */
  stocks(): readonly Stock[];
  /** How many keys wait for a slave SAE. */
  waitingKeyCount(): number;
  /** Takes in keys that a partner in this process has delivered. */
  learn(keys: readonly ToldKey[]): void;
  /**
   * Begins to serve.
   *
   * @param port - 0 for any free one
   * @returns its base URL, with the real port
   * @throws QupskdError `ERR_CONFIG_ENVIRONMENT`
   */
  listen(host: string, port: number): Promise<{ readonly url: string; readonly port: number }>;
  /** Ends at once: every connection is closed, whatever is in progress. */
  close(): Promise<void>;
}

export const STORE_DEFAULTS: StoreOptions = {
  keyCountMax: 10_000,
  refillPerSecond: 1_000,
  waitMsMax: 10 * 60_000,
  nowMs: () => performance.now(),
};

export const KME_ID_DEFAULT = 'kme_simulator';
export const SEED_DEFAULT = '1';

/**
 * Makes a simulator; it serves when told to listen.
 *
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files
 */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const { kmeId = KME_ID_DEFAULT, partnerKmeId = kmeId, tls = null } = options;
  const { plan = new FaultPlan(SEED_DEFAULT), listensToPartner = false } = options;
  const source = options.stateless
    ? new StatelessKeys()
    : new KeyStore({ ...STORE_DEFAULTS, ...options.store });
  const closing = new AbortController();
  const tally = newTally();
  const mutualTls = tls?.cacert != null;
  const app = createApp({
    kmeId,
    partnerKmeId,
    listensToPartner,
    source,
    dialect: new Dialect(options.dialect),
    engine: new FaultEngine({ plan, kmeId, closing: closing.signal }),
    tally,
    mutualTls,
  });
  const files = tls && readTls(tls, 'the simulated KME');
  const listener = new HttpListener({
    handler: app,
    // The app answers 401 and the reason, which a broken handshake would not tell.
    tls: files && {
      ...files,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestCert: mutualTls,
      rejectUnauthorized: false,
    },
    limits: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    connectionsMax: CONNECTIONS_MAX,
    connectionsPerSourceMax: CONNECTIONS_MAX,
    closeGraceMs: 0,
  });
  commitStandingFaults({
    plan,
    kmeId,
    source,
    tls: files && { own: files, expired: options.expired ?? null },
    replaceTls: (other) => listener.replaceTls(other),
  });
  return {
    kmeId,
    plan,
    faults: new Shorthands(plan),
    tally,
    stocks: () => source.stocks(),
    waitingKeyCount: () => source.waitingKeyCount,
    learn: (keys) => source.learn(keys),
    async listen(host, port) {
      const boundPort = await listener.listen(host, port);
      const scheme = tls === null ? 'http' : 'https';
      const name = host.includes(':') ? `[${host}]` : host;
      return { url: `${scheme}://${name}:${boundPort}`, port: boundPort };
    },
    async close() {
      closing.abort();
      await listener.close();
    },
  };
}
