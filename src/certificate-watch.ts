/**
 * Follows TLS files while the program runs: new ones are put into use, and an end that comes near is
 * warned of.
 *
 * One small poller looks at all files. It sees whatever changes a path's file: a write, a rename, the
 * symbolic links of a mounted secret. Files are taken together and only when they fit; until then
 * the former ones stay in use. Users with the same files share them, and one TLS context.
 */
import { stat } from 'node:fs/promises';
import {
  type CertificateEnd,
  certificatesIn,
  type EndWarning,
  EndWarnings,
} from './certificate-ends.ts';
import type { TlsConfig } from './config/types.ts';
import { errorCode } from './error-code.ts';
import { QupskdError } from './errors.ts';
import type { Log } from './log.ts';
import { type FollowedTls, type LoadedTls, loadTls, TLS_PARTS, type TlsSource } from './tls.ts';

/** Changed files are in use two polls later, at most. */
const POLL_MS = 5_000;

export interface CertificateWatchOptions {
  readonly log: Log;
  readonly pollMs?: number;
  /** The time of day, in milliseconds since 1970. */
  readonly now?: () => number;
}

const END_TEXTS: Readonly<Record<EndWarning, string>> = {
  0: 'has ended',
  1: 'ends within a day',
  7: 'ends within 7 days',
  30: 'ends within 30 days',
};

/** Files that are used together, by everybody who named the same ones. */
interface FileSet {
  readonly tls: TlsConfig | null;
  readonly owner: string;
  readonly users: Set<(loaded: LoadedTls) => void>;
  loaded: LoadedTls;
  /** Of what is loaded; one's own comes first. */
  certificates: readonly CertificateEnd[];
  /** How the files looked at the last poll, and before they were last loaded; null: not yet known. */
  markSeen: string | null;
  markLoaded: string | null;
  /** What was said last of files that cannot be used; null while they can. */
  complaint: string | null;
}

export class CertificateWatch implements TlsSource {
  readonly #log: Log;
  readonly #pollMs: number;
  readonly #now: () => number;
  readonly #sets = new Map<string, FileSet>();
  readonly #endWarnings = new EndWarnings();
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor({ log, pollMs = POLL_MS, now = Date.now }: CertificateWatchOptions) {
    this.#log = log;
    this.#pollMs = pollMs;
    this.#now = now;
  }

  /** Reads files, or takes them from others who use them; told of changes once it is started. */
  follow(tls: TlsConfig | null, owner: string, use: (loaded: LoadedTls) => void): FollowedTls {
    const name = JSON.stringify(TLS_PARTS.map((part) => tls?.[part] ?? null));
    const set = this.#sets.get(name) ?? newSet(tls, owner);
    this.#sets.set(name, set);
    set.users.add(use);
    const end = (): void => {
      if (set.users.delete(use) && set.users.size === 0) this.#sets.delete(name);
    };
    return { loaded: set.loaded, end };
  }

  /** Every certificate in use, those of CAs among them. */
  get inUse(): readonly CertificateEnd[] {
    return [...this.#sets.values()].flatMap((set) => set.certificates);
  }

  /** Gives the warnings that are due, and begins to look for changes. */
  start(): void {
    this.#isRunning = true;
    this.#warnOfEnds();
    this.#pollLater();
  }

  /** Looks for nothing any more. */
  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  /** One poll after the other: a file system that hangs must not gather them. */
  #pollLater(): void {
    if (!this.#isRunning) return;
    const poll = async (): Promise<void> => {
      for (const set of this.#sets.values()) await this.#lookAt(set);
      this.#warnOfEnds();
      this.#pollLater();
    };
    this.#timer = setTimeout(() => void poll(), this.#pollMs).unref();
  }

  async #lookAt(set: FileSet): Promise<void> {
    const mark = await markOf(set.tls);
    // Files that are just being written look different at the next poll.
    const isSettled = mark === set.markSeen;
    set.markSeen = mark;
    if (mark === set.markLoaded) set.complaint = null;
    else if (isSettled) this.#reload(set, mark);
  }

  #reload(set: FileSet, mark: string): void {
    try {
      const loaded = loadTls(set.tls, set.owner);
      set.markLoaded = mark;
      set.complaint = null;
      if (isSame(loaded, set.loaded)) return;
      set.loaded = loaded;
      set.certificates = certificatesOf(set.tls, loaded);
    } catch (error) {
      if (!(error instanceof QupskdError)) throw error;
      if (set.complaint !== error.message) {
        this.#log.warn('new TLS files cannot be used yet; the former ones stay in use', { error });
      }
      set.complaint = error.message;
      return;
    }
    for (const use of set.users) use(set.loaded);
    const [certificate] = set.certificates;
    const reason = certificate?.description;
    this.#log.info('new TLS files are in use', { file: certificate?.file, reason });
  }

  #warnOfEnds(): void {
    for (const { certificate, warning } of this.#endWarnings.take(this.inUse, this.#now())) {
      const { file, description: reason } = certificate;
      const remedy = 'Replace the file: a new one is taken into use without a restart.';
      this.#log.warn(`a certificate ${END_TEXTS[warning]}`, { file, reason, remedy });
    }
  }
}

function newSet(tls: TlsConfig | null, owner: string): FileSet {
  const loaded = loadTls(tls, owner);
  return {
    tls,
    owner,
    users: new Set(),
    loaded,
    certificates: certificatesOf(tls, loaded),
    markSeen: null,
    markLoaded: null,
    complaint: null,
  };
}

function certificatesOf(tls: TlsConfig | null, { options }: LoadedTls): readonly CertificateEnd[] {
  const { cert, ca } = options;
  return [
    ...(cert === undefined ? [] : certificatesIn(cert, tls?.cert ?? '')),
    ...(ca === undefined ? [] : certificatesIn(ca, tls?.cacert ?? '')),
  ];
}

/** Changes with every change of what the paths lead to, and now and then without one. */
async function markOf(tls: TlsConfig | null): Promise<string> {
  const marks: string[] = [];
  for (const part of TLS_PARTS) {
    const file = tls?.[part] ?? null;
    if (file === null) continue;
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
      marks.push([dev, ino, size, mtimeNs, ctimeNs].join());
    } catch (error) {
      marks.push(errorCode(error));
    }
  }
  return marks.join(' ');
}

/** True for files that were touched, or written anew with what they held. */
function isSame({ options: a }: LoadedTls, { options: b }: LoadedTls): boolean {
  const nothing = Buffer.alloc(0);
  // The key fits the certificate, so that it cannot be another one.
  return (a.ca ?? nothing).equals(b.ca ?? nothing) && (a.cert ?? nothing).equals(b.cert ?? nothing);
}
