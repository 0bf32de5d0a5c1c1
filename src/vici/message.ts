/**
 * Messages of VICI, strongSwan's control interface: a tree of sections, values and lists. Pure.
 *
 * Values are bytes, and nearly always text. What is decoded comes from a program on the same
 * machine and is bounded all the same: in depth here, in bytes by the packet around it.
 *
 * Source: strongSwan, src/libcharon/plugins/vici/README.md, "Message format".
 */

/** Of an element's name: what its one-byte length can say. */
const NAME_BYTES_MAX = 255;
/** "an ASCII string" */
const NAME = /^[\0-\x7f]*$/;
/** Of one value: what its two-byte length can say. */
const VALUE_BYTES_MAX = 65_535;
/** The messages of charon nest five deep. */
export const DEPTH_MAX = 16;

export type ViciValue = Buffer | readonly Buffer[] | ViciSection;
export type ViciSection = ReadonlyMap<string, ViciValue>;

/** A section as it is written in code. */
export interface ViciFields {
  readonly [name: string]: string | Buffer | readonly (string | Buffer)[] | ViciFields;
}

/** Bytes that are no message, or fields that make none. */
export class ViciSyntaxError extends Error {
  override readonly name = 'ViciSyntaxError';
}

const SECTION_START = 1;
const SECTION_END = 2;
const KEY_VALUE = 3;
const LIST_START = 4;
const LIST_ITEM = 5;
const LIST_END = 6;

/** Makes a section of fields; buffers are not copied. */
export function section(fields: ViciFields): ViciSection {
  return new Map(Object.entries(fields).map(([name, field]) => [name, valueFrom(field)]));
}

function valueFrom(field: ViciFields[string]): ViciValue {
  if (typeof field === 'string' || Buffer.isBuffer(field)) return bytesOf(field);
  return isItems(field) ? field.map(bytesOf) : section(field);
}

const bytesOf = (field: string | Buffer): Buffer =>
  typeof field === 'string' ? Buffer.from(field) : field;
const isItems = (
  field: readonly (string | Buffer)[] | ViciFields,
): field is readonly (string | Buffer)[] => Array.isArray(field);

/** The value of a key as text; undefined where the key is not there or is no single value. */
export function textOf(message: ViciSection, key: string): string | undefined {
  const value = message.get(key);
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
}

/** The items of a list as text; none where there is no such list. */
export function textsOf(message: ViciSection, key: string): readonly string[] {
  const value = message.get(key);
  return value !== undefined && isList(value) ? value.map((item) => item.toString('utf8')) : [];
}

/** The section of a name; undefined where there is none. */
export function sectionOf(message: ViciSection, key: string): ViciSection | undefined {
  const value = message.get(key);
  return value !== undefined && isSection(value) ? value : undefined;
}

/** The sections within a section, in order. */
export function sectionsOf(message: ViciSection): readonly ViciSection[] {
  return [...message.values()].filter(isSection);
}

const isSection = (value: ViciValue): value is ViciSection => value instanceof Map;
const isList = (value: ViciValue): value is readonly Buffer[] => Array.isArray(value);

/**
 * Encodes a message.
 *
 * @returns memory of its own: wiping it leaves nothing of a secret behind
 * @throws ViciSyntaxError for what the format cannot say
 */
export function encodeMessage(message: ViciSection): Buffer {
  const bytes = Buffer.alloc(lengthOf(message));
  writeSection(bytes, 0, message);
  return bytes;
}

function lengthOf(message: ViciSection): number {
  let length = 0;
  for (const [name, value] of message) {
    length += 2 + name.length;
    if (Buffer.isBuffer(value)) length += 2 + value.length;
    else if (isList(value)) length += 1 + value.reduce((sum, { length: l }) => sum + 3 + l, 0);
    else if (isSection(value)) length += 1 + lengthOf(value);
  }
  return length;
}

function writeSection(bytes: Buffer, start: number, message: ViciSection): number {
  let at = start;
  for (const [name, value] of message) {
    if (Buffer.isBuffer(value)) {
      at = writeValue(bytes, writeName(bytes, at, KEY_VALUE, name), value);
    } else if (isList(value)) {
      at = writeName(bytes, at, LIST_START, name);
      for (const item of value) at = writeValue(bytes, bytes.writeUInt8(LIST_ITEM, at), item);
      at = bytes.writeUInt8(LIST_END, at);
    } else if (isSection(value)) {
      at = writeSection(bytes, writeName(bytes, at, SECTION_START, name), value);
      at = bytes.writeUInt8(SECTION_END, at);
    }
  }
  return at;
}

function writeName(bytes: Buffer, at: number, type: number, name: string): number {
  if (!NAME.test(name)) throw new ViciSyntaxError('a name is not ASCII');
  if (name.length > NAME_BYTES_MAX) throw new ViciSyntaxError('a name is too long');
  bytes.writeUInt8(type, at);
  bytes.writeUInt8(name.length, at + 1);
  return at + 2 + bytes.write(name, at + 2);
}

function writeValue(bytes: Buffer, at: number, value: Buffer): number {
  if (value.length > VALUE_BYTES_MAX) throw new ViciSyntaxError('a value is too long');
  return bytes.writeUInt16BE(value.length, at) + value.copy(bytes, at + 2);
}

/**
 * Decodes a message.
 *
 * @param bytes - untrusted; the values are copies
 * @throws ViciSyntaxError naming what is wrong, never a value
 */
export function decodeMessage(bytes: Buffer): ViciSection {
  return readSection(new Reader(bytes), 0);
}

/** Reads up to the end of the section; the outermost one ends with the bytes. */
function readSection(reader: Reader, depth: number): ViciSection {
  if (depth > DEPTH_MAX) throw new ViciSyntaxError('sections are nested too deep');
  const found = new Map<string, ViciValue>();
  while (depth > 0 || !reader.atEnd) {
    const type = reader.byte();
    if (type === SECTION_END && depth > 0) break;
    const read = NAMED[type];
    if (read === undefined) throw new ViciSyntaxError('an element is out of place');
    const name = reader.take(reader.byte()).toString('latin1');
    if (!NAME.test(name)) throw new ViciSyntaxError('a name is not ASCII');
    if (found.has(name)) throw new ViciSyntaxError('a name occurs twice in a section');
    found.set(name, read(reader, depth));
  }
  return found;
}

/** How what follows the name of an element is read. */
const NAMED: Readonly<Record<number, (reader: Reader, depth: number) => ViciValue>> = {
  [SECTION_START]: (reader, depth) => readSection(reader, depth + 1),
  [KEY_VALUE]: (reader) => reader.value(),
  [LIST_START]: readList,
};

function readList(reader: Reader): readonly Buffer[] {
  const items: Buffer[] = [];
  for (;;) {
    const type = reader.byte();
    if (type === LIST_END) return items;
    if (type !== LIST_ITEM) throw new ViciSyntaxError('a list holds something that is no item');
    items.push(reader.value());
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  value(): Buffer {
    return Buffer.from(this.take(this.take(2).readUInt16BE()));
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new ViciSyntaxError('the message ends within an element');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
