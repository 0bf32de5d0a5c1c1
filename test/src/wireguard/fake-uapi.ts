/**
 * A userspace WireGuard as its control socket shows it: peers that can be read and changed, and nothing
 * behind them. It follows the rules that the devices rely on: `update_only`, `remove`, one request per
 * connection.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { makeFolder } from '../../support/folders.ts';

export const NO_PSK = '0'.repeat(64);
/** In every answer to `get`: nothing of it may get out. */
export const PRIVATE_KEY = Buffer.alloc(32, 90);

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

export interface FakePeer {
  psk: string;
  endpoint: string | null;
  allowedIps: string[];
  keepaliveS: number;
  handshake: readonly [seconds: number, nanoseconds: number];
  rxBytes: number;
  txBytes: number;
}

export const hexOf = (publicKey: string): string =>
  Buffer.from(publicKey, 'base64').toString('hex');

export class FakeUapi {
  readonly folder = makeFolder();
  readonly peers = new Map<string, FakePeer>();
  readonly requests: string[] = [];
  /** Called with every request before it is carried out; what it gives is the answer instead. */
  onRequest: (text: string, socket: Socket) => string | undefined | Promise<string | undefined> =
    () => undefined;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      let text = '';
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (text.endsWith('\n\n')) void this.#serve(text, socket);
      });
    });
    servers.push(this.#server);
  }

  async listen(name: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(join(this.folder, `${name}.sock`), resolve);
    });
  }

  /** Adds a peer like one that was configured by hand. */
  add(publicKey: string, change: Partial<FakePeer> = {}): FakePeer {
    const peer: FakePeer = {
      psk: NO_PSK,
      endpoint: '192.0.2.2:51820',
      allowedIps: ['10.0.0.2/32', 'fd00::2/128'],
      keepaliveS: 25,
      handshake: [0, 0],
      rxBytes: 0,
      txBytes: 0,
      ...change,
    };
    this.peers.set(hexOf(publicKey), peer);
    return peer;
  }

  peer(publicKey: string): FakePeer {
    const peer = this.peers.get(hexOf(publicKey));
    if (peer === undefined) throw new Error('there is no such peer');
    return peer;
  }

  async #serve(text: string, socket: Socket): Promise<void> {
    this.requests.push(text);
    const answer = (await this.onRequest(text, socket)) ?? this.#answer(text);
    socket.end(answer);
  }

  #answer(text: string): string {
    if (text === 'get=1\n\n') return `${this.#dump()}errno=0\n\n`;
    this.#set(text.trimEnd().split('\n').slice(1));
    return 'errno=0\n\n';
  }

  #dump(): string {
    const lines = [`private_key=${PRIVATE_KEY.toString('hex')}`, 'listen_port=51820'];
    for (const [name, peer] of this.peers) {
      lines.push(`public_key=${name}`, `preshared_key=${peer.psk}`, 'protocol_version=1');
      if (peer.endpoint !== null) lines.push(`endpoint=${peer.endpoint}`);
      lines.push(
        `last_handshake_time_sec=${peer.handshake[0]}`,
        `last_handshake_time_nsec=${peer.handshake[1]}`,
        `tx_bytes=${peer.txBytes}`,
        `rx_bytes=${peer.rxBytes}`,
        `persistent_keepalive_interval=${peer.keepaliveS}`,
        ...peer.allowedIps.map((range) => `allowed_ip=${range}`),
      );
    }
    return lines.map((line) => `${line}\n`).join('');
  }

  #set(lines: readonly string[]): void {
    let name = '';
    let peer: FakePeer | undefined;
    for (const [at, line] of lines.entries()) {
      const [key = '', value = ''] = line.split(/=(.*)/s);
      if (key === 'public_key') {
        name = value;
        const bare = { endpoint: null, allowedIps: [], keepaliveS: 0 };
        const publicKey = Buffer.from(name, 'hex').toString('base64');
        peer = this.peers.get(name);
        if (lines[at + 1] !== 'update_only=true') peer ??= this.add(publicKey, bare);
      } else if (key === 'remove') {
        this.peers.delete(name);
      } else if (peer !== undefined) {
        this.#setField(peer, key, value);
      }
    }
  }

  #setField(peer: FakePeer, key: string, value: string): void {
    if (key === 'preshared_key') peer.psk = value;
    if (key === 'endpoint') peer.endpoint = value;
    if (key === 'persistent_keepalive_interval') peer.keepaliveS = Number(value);
    if (key === 'allowed_ip') peer.allowedIps.push(value);
  }
}
