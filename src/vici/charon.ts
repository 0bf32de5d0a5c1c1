/**
 * What quPSKd asks of charon: PPKs, one connection, and the SAs of that connection.
 *
 * A PPK is loaded under a name (`id`) by which it can be unloaded, and for an owner, which is the
 * PPK_ID that IKE peers name it by. charon gives no PPK back.
 *
 * Source: strongSwan, src/libcharon/plugins/vici/README.md, "Client-initiated commands"; RFC 8784.
 */
import type { Secret } from '../secret.ts';
import type { ViciConnection } from './connection.ts';
import { section, sectionOf, sectionsOf, textOf, textsOf, type ViciSection } from './message.ts';

/** Longer than an IKE peer needs over any path; charon would go on for minutes. */
const INITIATE_MAX_MS = 10_000;
/** How long an IKE peer is given to agree to a deletion, before the SA is dropped without it. */
const TERMINATE_MAX_MS = 2_000;
/** charon's own limits end first. */
const ANSWER_MARGIN_MS = 3_000;

/** One IKE_SA of a connection. */
export interface IkeSa {
  /** As long as charon runs, no other SA has the same. */
  readonly uniqueId: string;
  readonly isEstablished: boolean;
  /** Whether a PPK went into its keys. */
  readonly hasPpk: boolean;
  readonly ageMs: number;
  /** Names of its CHILD_SAs that are in the kernel. */
  readonly children: readonly string[];
  readonly rxBytes: number;
  readonly txBytes: number;
}

export class Charon {
  readonly #vici: ViciConnection;

  constructor(vici: ViciConnection) {
    this.#vici = vici;
  }

  /** The version of strongSwan: what charon answers without any configuration. */
  async version(): Promise<string> {
    return textOf((await this.#vici.call({ name: 'version' })).response, 'version') ?? 'unknown';
  }

  /**
   * Loads a PPK, or replaces the one of the same name.
   *
   * @param ppkId - the owner: what charon reads as an identity of another kind (`@…`, `C=…`) never fits
   * @throws QupskdError as all methods here: `ERR_SINK_FAILED`, `ERR_SINK_TIMEOUT`
   */
  async loadPpk(name: string, ppkId: string, ppk: Secret): Promise<void> {
    const message = section({ id: name, type: 'ppk', data: ppk.reveal(), owners: [ppkId] });
    await this.#vici.call({ name: 'load-shared', message });
  }

  /** Names of all shared secrets that were loaded over VICI. */
  async secretNames(): Promise<readonly string[]> {
    return textsOf((await this.#vici.call({ name: 'get-shared' })).response, 'keys');
  }

  /** Unloads a secret that is there. */
  async unloadSecret(name: string): Promise<void> {
    await this.#vici.call({ name: 'unload-shared', message: section({ id: name }) });
  }

  /** Loads a connection in place of the one of its name; SAs that are up stay as they are. */
  async loadConnection(name: string, definition: ViciSection): Promise<void> {
    await this.#vici.call({ name: 'load-conn', message: new Map([[name, definition]]) });
  }

  /** Brings a CHILD_SA up, with an IKE_SA for it where none has the connection's present settings. */
  async initiate(connection: string, child: string): Promise<void> {
    await this.#vici.call({
      name: 'initiate',
      message: section({ ike: connection, child, timeout: String(INITIATE_MAX_MS), loglevel: '1' }),
      event: 'control-log',
      timeoutMs: INITIATE_MAX_MS + ANSWER_MARGIN_MS,
    });
  }

  /** Takes an IKE_SA down, with all its children; an IKE peer that does not answer hinders nothing. */
  async terminate(uniqueId: string): Promise<void> {
    await this.#vici.call({
      name: 'terminate',
      message: section({ 'ike-id': uniqueId, force: 'yes', timeout: String(TERMINATE_MAX_MS) }),
      timeoutMs: TERMINATE_MAX_MS + ANSWER_MARGIN_MS,
    });
  }

  /** The IKE_SAs of a connection, in any state. */
  async ikeSas(connection: string): Promise<readonly IkeSa[]> {
    const message = section({ ike: connection });
    const { events } = await this.#vici.call({ name: 'list-sas', message, event: 'list-sa' });
    return events.flatMap((event) => {
      const sa = sectionOf(event, connection);
      return sa === undefined ? [] : [readIkeSa(sa)];
    });
  }
}

function readIkeSa(sa: ViciSection): IkeSa {
  const children = sectionsOf(sectionOf(sa, 'child-sas') ?? new Map());
  const installed = children.filter((child) => textOf(child, 'state') === 'INSTALLED');
  const sum = (key: string): number =>
    children.reduce((total, child) => total + numberOf(child, key), 0);
  return {
    uniqueId: textOf(sa, 'uniqueid') ?? '',
    isEstablished: textOf(sa, 'state') === 'ESTABLISHED',
    hasPpk: textOf(sa, 'ppk') === 'yes',
    ageMs: numberOf(sa, 'established') * 1_000,
    children: installed.map((child) => textOf(child, 'name') ?? ''),
    rxBytes: sum('bytes-in'),
    txBytes: sum('bytes-out'),
  };
}

/** charon counts seconds and bytes in decimal; 0 for anything else. */
function numberOf(message: ViciSection, key: string): number {
  const text = textOf(message, key) ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
