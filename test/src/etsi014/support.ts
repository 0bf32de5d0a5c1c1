/** What the tests of the key delivery API share: clients and simulators that end with the test. */
import { readFileSync } from 'node:fs';
import type { KmeConfig, KmeDialect, TlsConfig } from '../../../src/config/types.ts';
import { KmeClient } from '../../../src/etsi014/client.ts';
import {
  createSimulator,
  type Simulator,
  type SimulatorOptions,
} from '../../../src/etsi014/simulator/server.ts';
import { atEnd } from '../../support/ending.ts';

export const NO_TLS: TlsConfig = { cacert: null, cert: null, key: null };
export const KEY_ID = '9f2c7a52-6f0e-4a9c-8a56-3c1f5d9be701';

/** Planted: its base64 has both `+` and `/`. */
export const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index * 4));

/** An answer with the planted key, as clause 6.3 has it. */
export const KEY_CONTAINER = { keys: [{ key_ID: KEY_ID, key: KEY.toString('base64') }] };

export function vectors(file: string): unknown {
  return JSON.parse(readFileSync(`test/vectors/${file}`, 'utf8'));
}

/** What the standard says. */
export const DIALECT: KmeDialect = {
  method: 'POST',
  sendNumber: true,
  sendSize: true,
  sizeUnit: 'bits',
  keyIdCase: 'as-given',
};

export type KmeChange = Partial<Omit<KmeConfig, 'dialect'>> & {
  readonly dialect?: Partial<KmeDialect>;
};

/** A [kme] with the defaults of the configuration, except for what a test changes. */
export function kmeConfigOf(urls: KmeConfig['urls'], change: KmeChange = {}): KmeConfig {
  return {
    urls,
    basePath: '/api/v1/keys',
    kmeId: null,
    tls: NO_TLS,
    connectTimeoutMs: 5_000,
    totalTimeoutMs: 10_000,
    statusIntervalMs: 60_000,
    lowWaterKeys: 10,
    ...change,
    dialect: { ...DIALECT, ...change.dialect },
  };
}

export function clientOf(url: string, change: KmeChange = {}): KmeClient {
  const client = new KmeClient(kmeConfigOf([url], change), url);
  atEnd(() => client.close());
  return client;
}

export async function simulatorAt(
  options: SimulatorOptions = {},
  host = '127.0.0.1',
): Promise<Simulator & { readonly url: string }> {
  const simulator = createSimulator(options);
  atEnd(() => simulator.close());
  const { url } = await simulator.listen(host, 0);
  return { ...simulator, url };
}
