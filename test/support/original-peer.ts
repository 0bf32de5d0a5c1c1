/**
 * A peer that behaves as the original quPSKd does on the wire, in the process of the test: what a link
 * of protocol 1 has to get along with. It stands for the original's behaviour, not for its code.
 *
 * It answers GET `/new`, `/rotate` and `/ack`, asks its KME in the GET form, has no confirmation and
 * no identity, installs again on every `/ack`, and opens an exchange some time after the last one:
 * sooner where it opened that one itself.
 *
 * Source: docs/protocol.md, "Protocol 1".
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { firstPsk, nextPsk } from '../../src/psk/schedule-1.ts';

export interface OriginalPeerOptions {
  readonly port: number;
  readonly remoteUrl: string;
  readonly kmeUrl: string;
  /** The SAE ID of the other end. */
  readonly remoteSaeId: string;
  readonly psk: string;
  /** 120 s in the original; the end that answered waits a twelfth longer. */
  readonly intervalMs: number;
}

interface QkdKey {
  readonly keyId: string;
  readonly key: string;
}

const ANSWER_MS_MAX = 5_000;

export class OriginalPeer {
  /** Paths of the requests that were granted, oldest first. */
  readonly served: string[] = [];
  /** Paths of the exchanges that it opened and that ended well, oldest first. */
  readonly opened: string[] = [];
  readonly #options: OriginalPeerOptions;
  readonly #server: Server;
  #psk: string | null = null;
  #installed: string | null = null;
  #pending: QkdKey | null = null;
  #beginsAnew = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OriginalPeerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Listens, and asks the other end for a first PSK; where that is not there yet, it waits. */
  async start(): Promise<void> {
    this.#server.listen(this.#options.port, '127.0.0.1');
    await once(this.#server, 'listening');
    void this.#open('/new');
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** The PSK that it has installed. */
  psk(): string | null {
    return this.#installed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const body = await this.#serve(path).catch(() => null);
    if (body === null) {
      response.writeHead(path === '/ack' ? 500 : 404).end();
      return;
    }
    this.served.push(path);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
  }

  /** @returns the body, with the blanks that Python prints; null where there is nothing to answer */
  async #serve(path: string): Promise<string | null> {
    switch (path) {
      case '/new':
      case '/rotate':
        if (path === '/new') this.#psk = this.#firstPsk();
        this.#pending = await this.#askKme('enc_keys?number=1&size=256');
        return `{"status": "ok", "key_ID": "${this.#pending.keyId}"}`;
      case '/ack':
        this.#install();
        this.#openAfter(this.#options.intervalMs * (13 / 12));
        return '{"status": "ok"}';
      default:
        return null;
    }
  }

  /** As initiator. */
  async #open(path: '/new' | '/rotate'): Promise<void> {
    try {
      const { key_ID: keyId } = await getJson(`${this.#options.remoteUrl}${path}`);
      if (path === '/new') this.#psk = this.#firstPsk();
      this.#pending = await this.#askKme(`dec_keys?key_ID=${String(keyId)}`);
      await getJson(`${this.#options.remoteUrl}/ack`);
      this.#install();
      this.opened.push(path);
    } catch {
      // The wire has no word for what went wrong.
      this.#beginsAnew = true;
    }
    this.#openAfter(this.#options.intervalMs);
  }

  #openAfter(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#server.listening) return;
    const path = this.#beginsAnew ? '/new' : '/rotate';
    this.#timer = setTimeout(() => void this.#open(path), delayMs);
  }

  #install(): void {
    if (this.#pending === null || this.#psk === null) throw new Error('there is nothing to ack');
    this.#psk = nextPsk(this.#pending.key, this.#pending.keyId, this.#psk);
    this.#installed = this.#psk;
    this.#beginsAnew = false;
  }

  #firstPsk(): string {
    return firstPsk(this.#options.psk);
  }

  async #askKme(request: string): Promise<QkdKey> {
    const { kmeUrl, remoteSaeId } = this.#options;
    const { keys } = await getJson(`${kmeUrl}/api/v1/keys/${remoteSaeId}/${request}`);
    const [first] = keys as { key_ID: string; key: string }[];
    if (first === undefined) throw new Error('the KME gave no key');
    return { keyId: first.key_ID, key: first.key };
  }
}

async function getJson(url: string): Promise<Record<string, unknown>> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  return (await answer.json()) as Record<string, unknown>;
}
