/**
 * A KME in the process of the test that hands out keys with a mark in them and commits misdeeds on
 * request: for those who look where the bytes of a key turn up.
 *
 * One stands for the KMEs at both ends of a link. Of the standard it knows as much as a daemon asks.
 *
 * @see ETSI GS QKD 014 V1.1.1, clauses 5.3 and 5.4
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Every key begins with it: 16 of its 32 bytes. */
export const KEY_MARK = Buffer.from('PLANTED-QKD-KEY-');
const KEY_BYTES = 32;

export interface MarkedKey {
  readonly keyId: string;
  readonly key: Buffer;
}

export interface KmeAnswer {
  readonly status: number;
  readonly body: string;
}

/** What is answered in the place of a Key container, to one request. */
export interface Misdeed {
  readonly what: string;
  readonly of: 'enc_keys' | 'dec_keys';
  readonly answer: (delivered: MarkedKey) => KmeAnswer;
}

export class FakeKme {
  readonly url: string;
  readonly port: number;
  /** Misdeeds that are still to be committed, in this order. */
  readonly plan: Misdeed[] = [];
  /** By key_ID. */
  readonly keys = new Map<string, Buffer>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}`;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeKme> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeKme(server);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = `${request.url} ${await text(request)}`;
    if (asked.includes('/status ')) {
      // A KME without Get status: it is asked once.
      response.writeHead(404).end();
      return;
    }
    const method = asked.includes('/enc_keys') ? 'enc_keys' : 'dec_keys';
    const delivered = method === 'enc_keys' ? this.#issue() : this.#collect(asked);
    const misdeed = this.plan[0]?.of === method ? this.plan.shift() : undefined;
    const { status, body } = misdeed?.answer(delivered) ?? keyContainer(delivered);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  }

  #issue(): MarkedKey {
    const keyId = randomUUID();
    const key = markedKey();
    this.keys.set(keyId, key);
    return { keyId, key };
  }

  /** @param asked - a request that names a key_ID in whatever form */
  #collect(asked: string): MarkedKey {
    const found = [...this.keys].find(([keyId]) => asked.includes(keyId));
    if (found === undefined) throw new Error('a key was asked for that was never issued');
    return { keyId: found[0], key: found[1] };
  }
}

/** A Key container as it should be. */
export function keyContainer({ keyId, key }: MarkedKey): KmeAnswer {
  const keys = [{ key_ID: keyId, key: key.toString('base64') }];
  return { status: 200, body: JSON.stringify({ keys }) };
}

/** A key that no daemon was given yet. */
export function markedKey(): Buffer {
  return Buffer.concat([KEY_MARK, randomBytes(KEY_BYTES - KEY_MARK.length)]);
}
