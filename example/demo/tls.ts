/**
 * The demo with mutual TLS everywhere: certificates that `qkd-simulator certs` makes for this run, a
 * KME of its own for each end, and the shipped configurations in the structured form, for the flat
 * one has no TLS between the daemons.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keyFileOf, settingOf } from './configs.ts';
import type { End } from './key-files.ts';

const MAKING_MS_MAX = 20_000;

export interface TlsFiles {
  readonly cacert: string;
  readonly cert: string;
  readonly key: string;
}

/** The certificates of both KMEs and both SAEs, and of the CA that signed them. */
export class Certificates {
  readonly #folder: string;

  /** @param folder - where they are, or will be */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Makes them.
   *
   * @param simulator - the built `qkd-simulator`
   * @throws Error with what the simulator said
   */
  async make(simulator: string): Promise<void> {
    const options = { timeout: MAKING_MS_MAX };
    await promisify(execFile)(process.execPath, [simulator, 'certs', this.#folder], options);
  }

  filesOf(name: string): TlsFiles {
    const fileOf = (file: string): string => join(this.#folder, file);
    return { cacert: fileOf('ca.crt'), cert: fileOf(`${name}.crt`), key: fileOf(`${name}.key`) };
  }

  /** What `qkd-simulator` is given in front of host and port: a KME for alice, and one for bob. */
  simulatorOptions(): string[] {
    const partner = this.filesOf(kmeIdOf('bob'));
    const options = {
      'kme-id': kmeIdOf('alice'),
      ...this.filesOf(kmeIdOf('alice')),
      two: '0',
      'peer-kme-id': kmeIdOf('bob'),
      cert2: partner.cert,
      key2: partner.key,
    };
    return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  }
}

export interface TlsConfigOptions {
  readonly end: End;
  readonly certificates: Certificates;
  /** Of the KME of this end. */
  readonly kmeUrl: string;
  /** Where the daemon is started. */
  readonly folder: string;
  /** As the configuration spells it, `"3s"`. */
  readonly interval: string;
}

/**
 * A flat configuration as a structured one with mutual TLS towards the KME and the peer, another
 * interval and detailed JSON logs.
 *
 * @param flat - a shipped configuration
 */
export function withMutualTls(flat: string, options: TlsConfigOptions): string {
  const { end, certificates, kmeUrl, folder, interval } = options;
  const text = (key: string): string => JSON.stringify(settingOf(flat, key));
  const { cacert, cert, key } = certificates.filesOf(settingOf(flat, 'local_SAE_ID'));
  const tls = [`cacert = ${quoted(cacert)}`, `cert = ${quoted(cert)}`, `key = ${quoted(key)}`];
  const lines = [
    `local_SAE_ID = ${text('local_SAE_ID')}`,
    '[listen]',
    `host = ${text('qupskd_bind')}`,
    `port = ${settingOf(flat, 'qupskd_port')}`,
    ...tls,
    '[kme]',
    `url = ${quoted(kmeUrl)}`,
    `kme_id = ${quoted(kmeIdOf(end))}`,
    ...tls,
    '[log]',
    'format = "json"',
    'level = "debug"',
    '[[link]]',
    `name = ${text('alias')}`,
    `remote_SAE_ID = ${text('remote_SAE_ID')}`,
    `url = ${quoted(secured(settingOf(flat, 'remote_qupskd_url')))}`,
    `psk = ${text('psk')}`,
    `interval = ${quoted(interval)}`,
    ...tls,
    '[[link.sink]]',
    'type = "file"',
    `path = ${quoted(keyFileOf(flat, folder))}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The same address over HTTPS. */
export function secured(url: string): string {
  return url.replace(/^http:/, 'https:');
}

/** As `qkd-simulator certs` names them unless it is told otherwise. */
function kmeIdOf(end: End): string {
  return `kme_${end}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
