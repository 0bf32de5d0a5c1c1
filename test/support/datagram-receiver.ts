/**
 * The other end of NOTIFY_SOCKET: a unix datagram socket, which Node does not have, opened by python3.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { waitFor } from './programs/wait.ts';

const START_MS_MAX = 10_000;

/** A message is one line of hexadecimal digits. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True: print(s.recv(65536).hex(), flush=True)
`;

/** What a machine lacks for messages to a service manager to be received; null: nothing. */
export const MISSING =
  ['systemd-notify', 'python3'].find((name) => spawnSync(name, ['--version']).status !== 0) ?? null;

export class DatagramReceiver {
  readonly path: string;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(folder: string) {
    this.path = join(folder, 'notify.sock');
    const child = spawn('python3', ['-c', RECEIVER, this.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child = child;
  }

  /** Listens at a socket in the folder. */
  static async listen(folder: string): Promise<DatagramReceiver> {
    const receiver = new DatagramReceiver(folder);
    await waitFor('the receiver', () => receiver.#output.startsWith('ready\n'), START_MS_MAX);
    return receiver;
  }

  /** Every message so far, as its lines; without the barrier by which systemd-notify waits. */
  get messages(): readonly (readonly string[])[] {
    return this.#output
      .split('\n')
      .slice(1, -1)
      .map((hex) => Buffer.from(hex, 'hex').toString('utf8').split('\n'))
      .filter(([first]) => first !== 'BARRIER=1');
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
