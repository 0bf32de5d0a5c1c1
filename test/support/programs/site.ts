/**
 * One daemon over all its restarts: its configuration, its process, and what it says and writes.
 *
 * Links are added before the first start, or before a reload; each has a file sink unless it says
 * otherwise.
 */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { askControl } from '../../../src/control/client.ts';
import type { TunnelReport } from '../../../src/tunnel/report.ts';
import type { Programs } from '../programs.ts';
import type { LogLine, RunningProgram } from './running-program.ts';
import { printToml, type TomlTable } from './toml.ts';

export interface SiteOptions {
  readonly programs: Programs;
  readonly name: string;
  readonly saeId: string;
  readonly folder: string;
  readonly port: number;
}

export interface Health {
  readonly httpStatus: number;
  readonly status: string;
  readonly links: Readonly<Record<string, LinkHealth>>;
}

export interface Readiness {
  readonly httpStatus: number;
  readonly status: string;
  readonly links: Readonly<Record<string, { readonly verdict: string; readonly reason: string }>>;
}

export interface LinkHealth {
  readonly state: string;
  readonly epoch: number;
  readonly psk: string;
  readonly sinks: string;
  readonly reserved: number;
  readonly tunnel: TunnelReport;
  readonly kme: { readonly stock: { readonly max: number | null; readonly paceMs: number } };
}

export class Site {
  readonly name: string;
  readonly saeId: string;
  readonly folder: string;
  readonly port: number;
  readonly configFile: string;
  /** Of `qupskd status`. */
  readonly socket: string;
  readonly #programs: Programs;
  readonly #links: TomlTable[] = [];
  readonly #processes: RunningProgram[] = [];
  #settings: TomlTable = {};

  constructor({ programs, name, saeId, folder, port }: SiteOptions) {
    this.name = name;
    this.saeId = saeId;
    this.folder = folder;
    this.port = port;
    this.configFile = join(folder, 'qupskd.toml');
    this.socket = join(folder, 'control.sock');
    this.#programs = programs;
  }

  /** @param link - a `[[link]]` of the configuration */
  addLink(link: TomlTable & { readonly name: string }): void {
    this.#links.push({ sink: [{ type: 'file', path: this.keyFile(link.name) }], ...link });
  }

  /** Takes a `[[link]]` out of the configuration, and gives it back. */
  takeLink(name: string): TomlTable & { readonly name: string } {
    const [link] = this.#links.splice(
      this.#links.findIndex((one) => one['name'] === name),
      1,
    );
    if (link === undefined) throw new Error(`${this.name} has no links`);
    return { ...link, name };
  }

  /** @param settings - top-level tables that the configuration has besides, such as more of `listen` */
  set(settings: TomlTable): void {
    this.#settings = settings;
  }

  writeConfig(): void {
    const { listen, ...settings } = this.#settings;
    const config = printToml({
      local_SAE_ID: this.saeId,
      listen: { host: '127.0.0.1', port: this.port, ...(listen as TomlTable | undefined) },
      log: { format: 'json', level: 'debug' },
      control: { socket: this.socket },
      ...settings,
      link: this.#links,
    });
    writeFileSync(this.configFile, config, { mode: 0o600 });
  }

  /** Starts the daemon, and waits until it listens. */
  async start(): Promise<void> {
    this.writeConfig();
    const process = this.#programs.qupskd([this.configFile]);
    this.#processes.push(process);
    await process.printed('listening');
  }

  /** The process of the last start. */
  get process(): RunningProgram {
    const process = this.#processes.at(-1);
    if (process === undefined) throw new Error(`${this.name} was not started`);
    return process;
  }

  /** What it has logged, over all its restarts. */
  get logs(): readonly LogLine[] {
    return this.#processes.flatMap(({ logs }) => logs);
  }

  keyFile(link: string): string {
    return join(this.folder, 'psk', `${link}.key`);
  }

  /** What the key file of a link holds; null when there is none. */
  psk(link: string): string | null {
    try {
      return readFileSync(this.keyFile(link), 'utf8');
    } catch {
      return null;
    }
  }

  async health(): Promise<Health> {
    return await this.#ask('/healthz');
  }

  async readiness(): Promise<Readiness> {
    return await this.#ask('/readyz');
  }

  /** What the daemon answers at its control socket, as JSON. */
  async control(method: 'GET' | 'POST', path: string): Promise<string> {
    return JSON.stringify(await askControl(this.socket, { method, path }));
  }

  async #ask<T>(path: string): Promise<T> {
    // Not `fetch`, which may send it over a connection that was kept from before a restart.
    const request = get({ host: '127.0.0.1', port: this.port, path, agent: false });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    const body = JSON.parse(await text(answer)) as object;
    return { httpStatus: answer.statusCode ?? 0, ...body } as T;
  }
}
