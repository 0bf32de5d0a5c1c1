/**
 * One connection to the VICI socket of charon, the IKE daemon of strongSwan.
 *
 * VICI has no numbers that would tie a response to its request, so that one command is under way
 * at a time; one that is given up (late, aborted) ends the connection. Whoever may use the socket
 * controls charon: its text is shown masked and shortened all the same.
 *
 * Source: strongSwan, src/libcharon/plugins/vici/README.md, "Packet layer".
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { printable } from '../printable.ts';
import { textOf, type ViciSection } from './message.ts';
import { encodePacket, NO_FIELDS, type Packet, PacketReader } from './packet.ts';

/** For commands that charon answers out of its own memory. */
const COMMAND_MAX_MS = 5_000;
/** Of one stream; as many SAs of one connection are a fault. */
export const EVENTS_MAX = 1_000;
const REASON_CHARACTERS_MAX = 200;

export interface ViciCommand {
  readonly name: string;
  readonly message?: ViciSection;
  /** The event whose occurrences are collected until the response comes. */
  readonly event?: string;
  readonly timeoutMs?: number;
}

export interface ViciAnswer {
  readonly response: ViciSection;
  readonly events: readonly ViciSection[];
}

interface Waiting {
  readonly resolve: (packet: Packet) => void;
  readonly reject: (error: QupskdError) => void;
  readonly events: ViciSection[];
}

/**
 * Lends a connection, and closes it afterwards.
 *
 * @param path - of the socket
 * @param signal - ends the connection, and with it a command that is under way
 * @throws QupskdError `ERR_SINK_FAILED`, `ERR_SINK_TIMEOUT`
 */
export async function withVici<T>(
  path: string,
  signal: AbortSignal,
  use: (vici: ViciConnection) => Promise<T>,
): Promise<T> {
  const socket = await opened(path, signal);
  const vici = new ViciConnection(socket);
  const onAbort = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', onAbort);
  try {
    return await use(vici);
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

async function opened(path: string, signal: AbortSignal): Promise<Socket> {
  const socket = connect(path);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw new QupskdError(
      'ERR_SINK_FAILED',
      `the VICI socket ${path} could not be opened: ${errorCode(error)}`,
      'See that charon runs with its vici plugin, that this is its socket, and that quPSKd may use ' +
        'it (root, or the group of the socket).',
    );
  }
}

export class ViciConnection {
  readonly #socket: Socket;
  readonly #reader = new PacketReader();
  #waiting: Waiting | null = null;
  #ended: QupskdError | null = null;

  /** @param socket - connected; the caller closes it */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => {}); // `close` follows, and says as much as may be said.
    socket.on('close', () => this.#end(failed('charon closed the VICI connection')));
  }

  /**
   * Gives a command and waits for its response.
   *
   * @throws QupskdError `ERR_SINK_FAILED` with charon's own words where it refuses, `ERR_SINK_TIMEOUT`
   */
  async call({ name, message = NO_FIELDS, event, timeoutMs }: ViciCommand): Promise<ViciAnswer> {
    const limitMs = timeoutMs ?? COMMAND_MAX_MS;
    const register = async (type: 'register' | 'unregister'): Promise<void> => {
      if (event !== undefined) await this.#ask({ type, name: event, message: NO_FIELDS }, limitMs);
    };
    await register('register');
    const events: ViciSection[] = [];
    const answer = await this.#ask({ type: 'request', name, message }, limitMs, events);
    await register('unregister');
    const { message: response } = answer;
    if (textOf(response, 'success') === 'no') throw refused(name, { response, events });
    return { response, events };
  }

  async #ask(packet: Packet, limitMs: number, events: ViciSection[] = []): Promise<Packet> {
    if (this.#ended !== null) throw this.#ended;
    if (this.#waiting !== null) throw new Error('a second VICI command on one connection');
    const bytes = encoded(packet);
    const timer = setTimeout(() => this.#end(late(packet.name, limitMs)), limitMs);
    try {
      const answer = await new Promise<Packet>((resolve, reject) => {
        this.#waiting = { resolve, reject, events };
        // A packet may hold a PSK.
        this.#socket.write(bytes, () => bytes.fill(0));
      });
      if (answer.type === 'unknown-command' || answer.type === 'unknown-event') {
        throw failed(`charon does not know ${packet.name}`);
      }
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #take(chunk: Buffer): void {
    try {
      for (const packet of this.#reader.push(chunk)) this.#handle(packet);
    } catch (error) {
      this.#end(failed(`charon sent what is not VICI: ${(error as Error).message}`));
    }
  }

  #handle(packet: Packet): void {
    const waiting = this.#waiting;
    if (packet.type !== 'event') {
      this.#waiting = null;
      waiting?.resolve(packet);
    } else if (waiting !== null && waiting.events.push(packet.message) > EVENTS_MAX) {
      this.#end(failed(`charon sent more than ${EVENTS_MAX} events`));
    }
  }

  #end(error: QupskdError): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#waiting = null;
    this.#socket.destroy();
  }
}

/** @throws QupskdError where the format cannot say it: a certificate of more than 64 KiB, for example */
function encoded(packet: Packet): Buffer {
  try {
    return encodePacket(packet);
  } catch (error) {
    throw failed(`${packet.name} cannot be said in VICI: ${(error as Error).message}`);
  }
}

/** Says what charon logged last, where it was asked to log: that is nearly always the reason. */
function refused(name: string, { response, events }: ViciAnswer): QupskdError {
  const lastEvent = events.at(-1);
  const said = [textOf(response, 'errmsg'), lastEvent && textOf(lastEvent, 'msg')];
  const reason = said.filter((text) => text !== undefined).join('; ');
  return failed(`charon refused ${name}: ${printable(reason, REASON_CHARACTERS_MAX)}`);
}

function failed(message: string): QupskdError {
  return new QupskdError('ERR_SINK_FAILED', message, 'See the log of charon, or swanctl --log.');
}

function late(name: string, limitMs: number): QupskdError {
  const remedy = 'See that charon is not stuck: swanctl --stats.';
  return new QupskdError(
    'ERR_SINK_TIMEOUT',
    `charon did not answer ${name} within ${limitMs} ms`,
    remedy,
  );
}
