/**
 * Packets of VICI: what stands around a message on the socket. Pure.
 *
 * Four bytes of length, one of type, for some types a name, then the message.
 *
 * Source: strongSwan, src/libcharon/plugins/vici/README.md, "Transport protocol", "Packet layer".
 */
import { decodeMessage, encodeMessage, type ViciSection, ViciSyntaxError } from './message.ts';

/** What strongSwan itself sends and takes at most: 512 KiB after the length. */
export const PACKET_BYTES_MAX = 512 * 1024;
const LENGTH_BYTES = 4;
const NAME_BYTES_MAX = 255;

export const PACKET_TYPES = [
  'request',
  'response',
  'unknown-command',
  'register',
  'unregister',
  'confirmed',
  'unknown-event',
  'event',
] as const;

export type PacketType = (typeof PACKET_TYPES)[number];

const WITH_NAME: ReadonlySet<PacketType> = new Set(['request', 'register', 'unregister', 'event']);

export interface Packet {
  readonly type: PacketType;
  /** Of the command or event; empty for types that carry none. */
  readonly name: string;
  readonly message: ViciSection;
}

export const NO_FIELDS: ViciSection = new Map();

/**
 * Encodes a packet with its length.
 *
 * @returns memory of its own: wiping it leaves nothing of a secret behind
 * @throws ViciSyntaxError for what the format cannot say
 */
export function encodePacket({ type, name, message }: Packet): Buffer {
  const nameBytes = Buffer.from(name, 'latin1');
  if (nameBytes.length > NAME_BYTES_MAX) throw new ViciSyntaxError('a name is too long');
  const body = encodeMessage(message);
  const head = WITH_NAME.has(type) ? [nameBytes.length, ...nameBytes] : [];
  const length = 1 + head.length + body.length;
  if (length > PACKET_BYTES_MAX) {
    body.fill(0);
    throw new ViciSyntaxError('a packet is too long');
  }
  const bytes = Buffer.alloc(LENGTH_BYTES + length);
  bytes.writeUInt32BE(length);
  bytes.set([PACKET_TYPES.indexOf(type), ...head], LENGTH_BYTES);
  body.copy(bytes, LENGTH_BYTES + 1 + head.length);
  body.fill(0);
  return bytes;
}

/** Cuts packets out of a stream of bytes; holds at most one packet that is not whole yet. */
export class PacketReader {
  #held: Buffer = Buffer.alloc(0);

  /**
   * Takes bytes in.
   *
   * @param chunk - untrusted
   * @returns the packets that are whole now, in order
   * @throws ViciSyntaxError; the stream cannot be read any further then
   */
  push(chunk: Buffer): readonly Packet[] {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const packets: Packet[] = [];
    while (this.#held.length >= LENGTH_BYTES) {
      const length = this.#held.readUInt32BE();
      if (length > PACKET_BYTES_MAX) throw new ViciSyntaxError('a packet is too long');
      if (this.#held.length < LENGTH_BYTES + length) break;
      packets.push(decodePacket(this.#held.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
      this.#held = this.#held.subarray(LENGTH_BYTES + length);
    }
    return packets;
  }
}

function decodePacket(bytes: Buffer): Packet {
  const type = PACKET_TYPES[bytes[0] ?? PACKET_TYPES.length];
  if (type === undefined) throw new ViciSyntaxError('a packet is of no known type');
  if (!WITH_NAME.has(type)) return { type, name: '', message: decodeMessage(bytes.subarray(1)) };
  const end = 2 + (bytes[1] ?? 0);
  if (bytes.length < end) throw new ViciSyntaxError('a packet ends within its name');
  const name = bytes.toString('latin1', 2, end);
  return { type, name, message: decodeMessage(bytes.subarray(end)) };
}
