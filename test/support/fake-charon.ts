/**
 * A VICI server that behaves as charon does, as far as quPSKd asks: secrets, connections and SAs.
 *
 * A test replaces answers by name, and reads what was asked, in order.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { section, sectionOf, textOf, textsOf, type ViciSection } from '../../src/vici/message.ts';
import { encodePacket, NO_FIELDS, type Packet, PacketReader } from '../../src/vici/packet.ts';
import { makeFolder } from './folders.ts';

export interface FakeSa {
  readonly id: string;
  readonly state: string;
  readonly ppk: boolean;
  readonly established: number;
  /** Names and states of its children. */
  readonly children: Readonly<Record<string, string>>;
}

/** What is sent back: events, then the response; `null` sends nothing, bytes go as they are. */
export type FakeAnswer =
  | { readonly response: ViciSection; readonly events?: readonly ViciSection[] }
  | Buffer
  | null;

export type FakeCommand = (message: ViciSection) => FakeAnswer;

const OK: FakeAnswer = { response: section({ success: 'yes' }) };
export const refusal = (errmsg: string): FakeAnswer => ({
  response: section({ success: 'no', errmsg }),
});

export class FakeCharon {
  readonly path = join(makeFolder(), 'vici');
  /** Names of the commands that came, in order. */
  readonly asked: string[] = [];
  /** PPK and owner, by the name of the secret. */
  readonly secrets = new Map<
    string,
    { readonly data: string; readonly owners: readonly string[] }
  >();
  readonly connections = new Map<string, ViciSection>();
  sas: FakeSa[] = [];
  /** Answers that stand in for the fake's own, by command. */
  readonly instead = new Map<string, FakeCommand>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #nextId = 1;

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(): Promise<FakeCharon> {
    const charon = new FakeCharon();
    charon.#server.listen(charon.path);
    await once(charon.#server, 'listening');
    return charon;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Adds an SA, as another end would that made it. */
  addSa(change: Partial<FakeSa> = {}): string {
    const id = String(this.#nextId);
    this.#nextId += 1;
    const children = { net: 'INSTALLED' };
    this.sas.push({ id, state: 'ESTABLISHED', ppk: true, established: 1, children, ...change });
    return id;
  }

  #serve(socket: Socket): void {
    const reader = new PacketReader();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const packet of reader.push(chunk)) this.#take(packet, socket);
    });
  }

  #take({ type, name, message }: Packet, socket: Socket): void {
    const send = (packet: Partial<Packet> & Pick<Packet, 'type'>): void => {
      socket.write(encodePacket({ name: '', message: NO_FIELDS, ...packet }));
    };
    if (type !== 'request') {
      send({ type: 'confirmed' });
      return;
    }
    this.asked.push(name);
    const command = this.instead.get(name) ?? this.#commands[name];
    if (command === undefined) {
      send({ type: 'unknown-command' });
      return;
    }
    const answer = command(message);
    if (Buffer.isBuffer(answer)) {
      socket.write(answer);
    } else if (answer !== null) {
      for (const event of answer.events ?? []) send({ type: 'event', name: 'any', message: event });
      send({ type: 'response', message: answer.response });
    }
  }

  readonly #commands: Readonly<Record<string, FakeCommand>> = {
    version: () => ({ response: section({ version: '5.9.8' }) }),
    'load-shared': (message) => {
      const data = message.get('data') as Buffer;
      const secret = { data: data.toString('hex'), owners: textsOf(message, 'owners') };
      this.secrets.set(textOf(message, 'id') ?? '', secret);
      return OK;
    },
    'get-shared': () => ({ response: section({ keys: [...this.secrets.keys()] }) }),
    'unload-shared': (message) =>
      this.secrets.delete(textOf(message, 'id') ?? '') ? OK : refusal('not found'),
    'load-conn': (message) => {
      for (const name of message.keys()) {
        this.connections.set(name, sectionOf(message, name) ?? NO_FIELDS);
      }
      return OK;
    },
    initiate: (message) => {
      const connection = this.connections.get(textOf(message, 'ike') ?? '') ?? NO_FIELDS;
      const ppkId = textOf(connection, 'ppk_id');
      const owners = [...this.secrets.values()].flatMap((secret) => secret.owners);
      if (ppkId === undefined || !owners.includes(ppkId)) return refusal('no PPK');
      this.addSa();
      return OK;
    },
    'list-sas': (message) => ({
      response: NO_FIELDS,
      events: this.sas.map((sa) => section({ [textOf(message, 'ike') ?? '']: listed(sa) })),
    }),
    terminate: (message) => {
      this.sas = this.sas.filter(({ id }) => id !== textOf(message, 'ike-id'));
      return OK;
    },
  };
}

function listed({ id, state, ppk, established, children }: FakeSa): Parameters<typeof section>[0] {
  const childSas = Object.entries(children).map(([name, childState], index) => [
    `${name}-${index}`,
    { name, state: childState, 'bytes-in': '300', 'bytes-out': '40' },
  ]);
  return {
    uniqueid: id,
    state,
    ...(ppk && { ppk: 'yes' }),
    established: String(established),
    'child-sas': Object.fromEntries(childSas),
  };
}
