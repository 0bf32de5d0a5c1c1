/**
 * The peer lines of `wg show IF dump`: one peer each, fields apart by a tab. Pure.
 *
 * Each line holds a PSK. So lines are cut as bytes, and a PSK becomes no string.
 *
 * Source: wg(8).
 */
import { keyFromText } from '../key-text.ts';
import type { PeerReading } from './device.ts';

const TAB = 9;
const NEWLINE = 10;
const NONE = '(none)';
const OFF = 'off';

/**
 * Finds a peer in the peer lines of a dump.
 *
 * @param dump - what `wg` printed, without the line of the interface; the caller wipes it
 * @param publicKey - canonical base64
 * @returns null where no line is about this peer; undefined where its line is none of a dump
 */
export function peerInDump(dump: Buffer, publicKey: string): PeerReading | null | undefined {
  const start = Buffer.from(`${publicKey}\t`, 'latin1');
  for (const line of split(dump, NEWLINE)) {
    if (line.subarray(0, start.length).equals(start)) return readPeer(line);
  }
  return null;
}

function readPeer(line: Buffer): PeerReading | undefined {
  const fields = split(line, TAB);
  const [, psk, ...rest] = fields;
  const [endpoint, allowedIps, handshake, rx, tx, keepalive] = rest.map((field) =>
    field.toString('latin1'),
  );
  if (psk === undefined || endpoint === undefined || allowedIps === undefined) return undefined;
  const handshakeS = Number(handshake);
  const [rxBytes, txBytes] = [Number(rx), Number(tx)];
  const keepaliveS = keepalive === OFF ? 0 : Number(keepalive);
  if (![handshakeS, rxBytes, txBytes, keepaliveS].every(Number.isSafeInteger)) return undefined;
  return {
    psk: keyFromText(psk),
    endpoint: endpoint === NONE ? null : endpoint,
    allowedIps: allowedIps === NONE ? [] : allowedIps.split(','),
    handshake: handshakeS === 0 ? null : { stamp: String(handshakeS), atMs: handshakeS * 1_000 },
    rxBytes,
    txBytes,
    keepaliveS,
  };
}

/** The parts between separators: views of the same bytes, not copies. */
function split(bytes: Buffer, separator: number): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(separator, start);
    if (end === -1) return [...parts, bytes.subarray(start)];
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
}
