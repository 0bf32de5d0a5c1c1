/**
 * The measure of a rotation: its four HTTP calls made bare, one after the other, by axios with
 * keep-alive connections. The peer is a node:http server that answers fixed bodies; the KME is the
 * one that the daemons use, which is as bare, so that no KME's own cost is in either time.
 *
 * Paths, bodies and headers have the sizes of the real ones.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import { keyIdsBody, keyRequestBody } from '../../src/etsi014/format.ts';
import { MAC_HEADER } from '../../src/peer/auth.ts';
import {
  formatAckRequest,
  formatConfirmation,
  formatOffer,
  formatRotateRequest,
} from '../../src/peer/messages.ts';
import { startProgram } from './start-program.ts';

const SERVER = fileURLToPath(new URL('bare-server.mjs', import.meta.url));
const US_PER_MS = 1_000;
const JSON_BODY = { 'Content-Type': 'application/json', 'User-Agent': 'quPSKd' };

export interface BareRound {
  readonly tookMs: number;
  /** CPU time of this process, which does nothing else meanwhile. */
  readonly clientCpuMs: number;
}

/**
 * Starts one of the two bare servers.
 *
 * @param fixed - bodies by path, for what is not a KME's
 * @returns its URL
 */
export async function startBareServer(
  name: string,
  fixed: Readonly<Record<string, string>>,
): Promise<string> {
  let port = '';
  await startProgram({ name, argv: [SERVER, JSON.stringify(fixed)] }, (line) => {
    port = line;
    return true;
  });
  return `http://127.0.0.1:${port}`;
}

export class BareCalls {
  readonly #peerUrl: string;
  readonly #keys: string;
  readonly #rotateBody: Buffer;
  readonly #ackBody: Buffer;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #signed = { ...JSON_BODY, [MAC_HEADER]: randomBytes(32).toString('base64') };

  private constructor(peerUrl: string, kmeUrl: string, rotateBody: Buffer, ackBody: Buffer) {
    this.#peerUrl = peerUrl;
    this.#keys = `${kmeUrl}/api/v1/keys`;
    this.#rotateBody = rotateBody;
    this.#ackBody = ackBody;
  }

  /** Starts the peer. */
  static async start(kmeUrl: string): Promise<BareCalls> {
    const exchange = randomUUID();
    const chain = randomUUID();
    const keyId = randomUUID();
    const confirm = randomBytes(32);
    const peerUrl = await startBareServer('the bare peer', {
      '/rotate': formatOffer({ exchange, chain, epoch: 2, keyId }).toString(),
      '/ack': formatConfirmation({ exchange, confirm }).toString(),
    });
    const route = { from: 'sae_alice', to: 'sae_bob', exchange };
    const rotateBody = formatRotateRequest({ ...route, chain, epoch: 2, reserved: [] });
    return new BareCalls(
      peerUrl,
      kmeUrl,
      rotateBody,
      formatAckRequest({ ...route, keyId, confirm }),
    );
  }

  /** Makes the four calls once. */
  async round(): Promise<BareRound> {
    const cpuBefore = process.cpuUsage();
    const beganMs = performance.now();
    await this.#post(`${this.#peerUrl}/rotate`, this.#rotateBody, this.#signed);
    const issued = await this.#post(
      `${this.#keys}/sae_alice/enc_keys`,
      keyRequestBody({ number: 1, size: 256 }),
      JSON_BODY,
    );
    const { keys } = issued as { keys: [{ key_ID: string }] };
    await this.#post(`${this.#keys}/sae_bob/dec_keys`, keyIdsBody(keys[0].key_ID), JSON_BODY);
    await this.#post(`${this.#peerUrl}/ack`, this.#ackBody, this.#signed);
    const tookMs = performance.now() - beganMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { tookMs, clientCpuMs: (user + system) / US_PER_MS };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #post(
    url: string,
    body: Buffer | string,
    headers: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const options = { headers, httpAgent: this.#agent, proxy: false } as const;
    return (await axios.post<unknown>(url, body, options)).data;
  }
}
