/**
 * A userspace WireGuard interface by way of its control socket.
 *
 * One request per connection. With `update_only` no request makes a peer, and a request for a peer that
 * is not there is answered as if it had been carried out: only reading back says what was.
 *
 * Source: wireguard.com/xplatform.
 */
import { connect } from 'node:net';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { withKeyHex } from '../key-text.ts';
import type { Secret } from '../secret.ts';
import {
  missingPeer,
  type PeerReading,
  type PeerSettings,
  type WireguardDevice,
} from './device.ts';
import { GET, peerInAnswer, readAnswer, replaceRequest, setPskRequest } from './uapi-text.ts';

const TIMEOUT_MS = 5_000;
/** About ten thousand peers. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const NEWLINE = 10;
const NOT_WANTED = 'is no longer wanted';
const NEVER = new AbortController().signal;

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT:
    'Start the userspace WireGuard before quPSKd; for an interface of the kernel, via = "wg".',
  ECONNREFUSED: 'Start the userspace WireGuard that left this socket behind when it ended.',
  EACCES: 'Run quPSKd as root: a userspace WireGuard lets nobody else in.',
};

export class UapiDevice implements WireguardDevice {
  readonly #interface: string;
  readonly #socket: string;

  /** @param socket - path of the interface's control socket */
  constructor(interfaceName: string, socket: string) {
    this.#interface = interfaceName;
    this.#socket = socket;
  }

  async read(publicKey: string, signal: AbortSignal): Promise<PeerReading | null> {
    return await this.#ask(GET, signal, (answer) => peerInAnswer(answer, publicKey));
  }

  async setPsk(publicKey: string, psk: Secret, signal: AbortSignal): Promise<PeerReading> {
    return await withKeyHex(psk, (hex) => {
      if (signal.aborted) throw failure('ERR_SINK_FAILED', this.#socket, NOT_WANTED);
      return this.#change(publicKey, setPskRequest(publicKey, hex));
    });
  }

  async replacePeer(publicKey: string, psk: Secret, settings: PeerSettings): Promise<PeerReading> {
    return await withKeyHex(psk, (hex) =>
      this.#change(publicKey, replaceRequest(publicKey, hex, settings)),
    );
  }

  async #change(publicKey: string, request: Buffer): Promise<PeerReading> {
    try {
      await this.#ask(request, NEVER, () => null);
    } finally {
      request.fill(0);
    }
    const after = await this.read(publicKey, NEVER);
    if (after !== null) return after;
    throw missingPeer(this.#interface, 'has no such peer; none was created');
  }

  async #ask<T>(
    request: Buffer,
    signal: AbortSignal,
    use: (answer: ReturnType<typeof readAnswer>) => T,
  ): Promise<T> {
    const bytes = await exchange(this.#socket, request, signal).catch((error: unknown) => {
      throw this.#failure(error);
    });
    try {
      const answer = readAnswer(bytes);
      if (answer.errno === 0) return use(answer);
      throw new QupskdError(
        'ERR_SINK_FAILED',
        `the WireGuard interface ${this.#interface} refused a request with errno ${answer.errno}`,
      );
    } finally {
      bytes.fill(0);
    }
  }

  #failure(error: unknown): QupskdError {
    if (error instanceof QupskdError) return error;
    const code = errorCode(error);
    return new QupskdError(
      'ERR_SINK_FAILED',
      `the socket ${this.#socket} cannot be used: ${code}`,
      REMEDIES[code] ??
        'See that the userspace WireGuard runs, and that quPSKd may use its socket.',
    );
  }
}

/**
 * Sends one request and reads the whole answer.
 *
 * @returns the only copy of the answer
 */
function exchange(path: string, request: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let lastByte = 0;
    const socket = connect({ path });
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      outcome();
      for (const chunk of chunks.splice(0)) chunk.fill(0);
    };
    const fail = (error: unknown): void => settle(() => reject(error));
    const onAbort = (): void => fail(failure('ERR_SINK_FAILED', path, NOT_WANTED));
    const timer = setTimeout(
      () => fail(failure('ERR_SINK_TIMEOUT', path, `gave no answer within ${TIMEOUT_MS} ms`)),
      TIMEOUT_MS,
    );
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) return onAbort();

    socket.on('error', fail);
    socket.on('close', () => fail(failure('ERR_SINK_FAILED', path, 'closed without an answer')));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      const lastButOne = chunk.length > 1 ? chunk.at(-2) : lastByte;
      lastByte = chunk.at(-1) ?? lastByte;
      if (length > ANSWER_BYTES_MAX) {
        fail(failure('ERR_SINK_FAILED', path, `gave more than ${ANSWER_BYTES_MAX} bytes`));
      } else if (lastButOne === NEWLINE && lastByte === NEWLINE) {
        settle(() => resolve(Buffer.concat(chunks)));
      }
    });
    socket.write(request);
  });
}

function failure(
  code: 'ERR_SINK_FAILED' | 'ERR_SINK_TIMEOUT',
  path: string,
  what: string,
): QupskdError {
  return new QupskdError(code, `a request to the socket ${path} ${what}`);
}
