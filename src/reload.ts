/**
 * Takes a new configuration into a daemon that runs: links are added, removed and changed, and every
 * other link goes on as if nothing had been.
 *
 * A configuration is taken whole or not at all: until everything has been checked nothing is touched.
 * A changed link is stopped and started anew, as a restart of the daemon would do to all links.
 */
import { checkSinks } from './config/environment.ts';
import { loadConfig } from './config/load.ts';
import { ConfigError, type Problem, throwIfAny } from './config/problem.ts';
import type { Config, LinkConfig } from './config/types.ts';
import { QupskdError } from './errors.ts';
import type { LinkSet } from './link-set.ts';
import type { RootLog } from './log.ts';
import { fixedKeyProblems, planReload, type ReloadPlan } from './reload-plan.ts';
import type { RunningLink } from './running-link.ts';
import type { ServiceNotices } from './service/service-notices.ts';
import type { WireguardDevices } from './wireguard/devices.ts';

/** How a reload went; links by their names. Nothing secret. */
export type ReloadOutcome =
  | {
      readonly type: 'reloaded';
      readonly added: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly string[];
      readonly untouched: number;
    }
  /** Nothing was changed. */
  | { readonly type: 'refused'; readonly problems: readonly Problem[] }
  /** The daemon was told to stop, before or meanwhile. */
  | { readonly type: 'stopping' }
  /** A bug; the log says more. */
  | { readonly type: 'failed' };

export interface ReloaderOptions {
  /** What the daemon was started with; its secrets are those of the links. */
  readonly config: Config;
  readonly links: LinkSet;
  /** Makes a link, which is not started. */
  readonly create: (config: LinkConfig) => RunningLink;
  /** Makes the peer API serve these links from now on, and no others. */
  readonly serve: (links: readonly RunningLink[]) => void;
  readonly wireguard: WireguardDevices;
  readonly log: RootLog;
  /** The service manager's, where there is one. */
  readonly notices: Pick<ServiceNotices, 'reloading' | 'reloaded'> | null;
}

const STOPPING: ReloadOutcome = { type: 'stopping' };

export class Reloader {
  readonly #options: ReloaderOptions;
  /** What the links run with. */
  #config: Config;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: Promise<ReloadOutcome> | null = null;
  /** Of links that are there no more. */
  #ending: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /**
   * Reads the file again. One reload goes after the other; whoever asks while one waits shares it,
   * because it will read what is there by then. Never rejects.
   */
  reload(): Promise<ReloadOutcome> {
    this.#waiting ??= this.#last.then(() => {
      this.#waiting = null;
      return this.#reload();
    });
    this.#last = this.#waiting;
    return this.#waiting;
  }

  /** Starts nothing any more, and waits for links that are being stopped; others are the caller's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#ending;
  }

  async #reload(): Promise<ReloadOutcome> {
    if (this.#isClosed) return STOPPING;
    const { log, notices } = this.#options;
    notices?.reloading();
    try {
      return await this.#take(await loadConfig(this.#config.file));
    } catch (error) {
      if (error instanceof QupskdError && error.code !== 'ERR_INTERNAL') return this.#refuse(error);
      log.error('a reload failed', { error, remedy: 'This is a bug: report it with the log.' });
      return { type: 'failed' };
    } finally {
      notices?.reloaded();
    }
  }

  /** @throws QupskdError where it is refused */
  async #take(config: Config): Promise<ReloadOutcome> {
    const plan = planReload(this.#config.links, config.links);
    const starting = [...plan.changed, ...plan.added];
    let fresh: readonly RunningLink[] | null = null;
    try {
      fresh = await this.#prove(config, starting);
    } finally {
      // Links that go on have their own.
      wipe(fresh === null ? config.links : plan.untouched);
    }
    return fresh === null ? STOPPING : await this.#replace(config, fresh, plan);
  }

  /**
   * Sees that nothing stands against a configuration, short of touching anything.
   *
   * @returns its new links, which are not started; null where the daemon stops
   * @throws QupskdError
   */
  async #prove(
    config: Config,
    starting: readonly LinkConfig[],
  ): Promise<readonly RunningLink[] | null> {
    const { create, wireguard } = this.#options;
    const sinkProblems = await checkSinks(new Set(starting), config, wireguard);
    throwIfAny([...fixedKeyProblems(this.#config, config), ...sinkProblems]);
    if (this.#isClosed) return null;
    const fresh: RunningLink[] = [];
    try {
      for (const link of starting) fresh.push(create(link));
      return fresh;
    } catch (error) {
      await Promise.all(fresh.map((link) => link.stop('keep')));
      throw error;
    }
  }

  async #replace(
    config: Config,
    fresh: readonly RunningLink[],
    { changed, added, removed, untouched }: ReloadPlan,
  ): Promise<ReloadOutcome> {
    const { links, serve } = this.#options;
    const byName = new Map([...links.all, ...fresh].map((link) => [link.config.name, link]));
    const all = config.links.flatMap(({ name }) => byName.get(name) ?? []);
    const gone = links.all.filter((link) => !all.includes(link));
    this.#takeOthers(config);
    this.#config = { ...config, links: all.map((link) => link.config) };

    serve(all.filter((link) => !fresh.includes(link)));
    this.#ending = Promise.all(gone.map((link) => link.stop()));
    links.replace(all);
    // A sink may go from one link to another: all that were theirs are left before one is taken.
    await this.#ending;
    if (this.#isClosed) return STOPPING;
    await Promise.all(fresh.map((link) => link.prepare()));
    if (this.#isClosed) return STOPPING;
    serve(all);
    for (const link of fresh) link.start();

    return this.#tell({
      type: 'reloaded',
      added: namesOf(added),
      changed: namesOf(changed),
      removed: namesOf(removed),
      untouched: untouched.length,
    });
  }

  /** What is about no link and may change. */
  #takeOthers({ file, log: { level }, warnings }: Config): void {
    const { log } = this.#options;
    log.setLevel(level);
    const known = new Set(this.#config.warnings);
    for (const warning of warnings) if (!known.has(warning)) log.warn(warning, { file });
  }

  #tell(outcome: Extract<ReloadOutcome, { type: 'reloaded' }>): ReloadOutcome {
    const { log } = this.#options;
    const { added, changed, removed, untouched } = outcome;
    for (const link of removed) log.info('link removed', { link });
    for (const link of changed) log.info('link changed', { link });
    for (const link of added) log.info('link added', { link });
    const counts = Object.entries({ added, changed, removed }).map(
      ([what, { length }]) => `${what} ${length}`,
    );
    const reason = [...counts, `untouched ${untouched}`].join(', ');
    log.info('the configuration was reloaded', { reason });
    return outcome;
  }

  #refuse(error: QupskdError): ReloadOutcome {
    const problems = error instanceof ConfigError ? error.problems : [this.#problemOf(error)];
    for (const { code, file, key, message, remedy } of problems) {
      const reason = `${key} ${message}`.trimStart();
      const fields = { code, file, reason, remedy };
      this.#options.log.error('a reload is refused; the daemon goes on as before', fields);
    }
    return { type: 'refused', problems };
  }

  #problemOf({ code, message, remedy = '' }: QupskdError): Problem {
    return { code, file: this.#config.file, key: '', message, remedy };
  }
}

function namesOf(links: readonly LinkConfig[]): readonly string[] {
  return links.map(({ name }) => name);
}

/** The secrets of links that do not run. */
function wipe(links: readonly LinkConfig[]): void {
  for (const { psk } of links) psk.wipe();
}
