import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { section, ViciSyntaxError } from '../../../src/vici/message.ts';
import {
  encodePacket,
  NO_FIELDS,
  PACKET_TYPES,
  type Packet,
  PacketReader,
} from '../../../src/vici/packet.ts';

const REQUEST: Packet = { type: 'request', name: 'get', message: section({ k: 'v' }) };
const RESPONSE: Packet = { type: 'response', name: '', message: section({ success: 'yes' }) };

describe('encodePacket', () => {
  test('length, type, name, message', () => {
    const length = [0, 0, 0, 11];
    const head = [0, 3, 103, 101, 116];
    const message = [3, 1, 107, 0, 1, 118];
    expect([...encodePacket(REQUEST)]).toEqual([length, head, message].flat());
    const empty: Packet = { type: 'response', name: '', message: NO_FIELDS };
    expect([...encodePacket(empty)]).toEqual([0, 0, 0, 1, 1]);
  });

  test('refuses what is too long', () => {
    const big = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [`${index}`, Buffer.alloc(65_000)]),
    );
    expect(() => encodePacket({ ...REQUEST, message: section(big) })).toThrow(ViciSyntaxError);
    expect(() => encodePacket({ ...REQUEST, name: 'n'.repeat(256) })).toThrow(ViciSyntaxError);
  });
});

describe('PacketReader', () => {
  test('packets come out whole and in order, however the bytes come in', () => {
    const packets = [REQUEST, RESPONSE, { ...REQUEST, type: 'event' as const, name: 'list-sa' }];
    const bytes = Buffer.concat(packets.map(encodePacket));
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length })), (cuts) => {
        const reader = new PacketReader();
        const edges = [0, ...cuts.sort((x, y) => x - y), bytes.length];
        const found = edges.slice(1).flatMap((end, index) =>
          // A copy: what the reader holds must not depend on the chunk it was given.
          [...reader.push(Buffer.from(bytes.subarray(edges[index], end)))],
        );
        expect(found).toEqual(packets);
      }),
    );
  });

  test.each<[string, number[]]>([
    ['longer than the limit', [0, 8, 0, 1]],
    ['without a type', [0, 0, 0, 0]],
    ['of no known type', [0, 0, 0, 1, PACKET_TYPES.length]],
    ['that ends before its name', [0, 0, 0, 1, 7]],
    ['that ends within its name', [0, 0, 0, 3, 7, 2, 65]],
    ['with no message in it', [0, 0, 0, 2, 1, 9]],
  ])('a packet %s', (_, bytes) => {
    expect(() => new PacketReader().push(Buffer.from(bytes))).toThrow(ViciSyntaxError);
  });

  test('any bytes are packets or a ViciSyntaxError, and nothing else', () => {
    const header = fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 9 }));
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      header.map(([length, type]) => Buffer.from([0, 0, 0, length, type])),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 10 }), (chunks) => {
        const reader = new PacketReader();
        try {
          for (const bytes of chunks) reader.push(bytes);
        } catch (error) {
          if (!(error instanceof ViciSyntaxError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
