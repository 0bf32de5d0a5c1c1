/**
 * One end of a UDP stream, as a program of its own: sends numbered packets at a steady rate, counts
 * those of the other end, and prints what it knows as a line of JSON, a few times a second.
 *
 * Packets are numbered from the moment on at which something of the other end has come, for before that
 * nobody may be there to receive them. On SIGTERM it ends to send, and a second later itself: what
 * is on its way then still counts.
 *
 * Arguments: own address, the other's address, port, packets a second.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { Reception, type ReceptionReport } from './reception.ts';

const PACKET_BYTES = 128;
const NUMBER_BYTES = 4;
/** Shorter than any numbered packet. */
const GREETING = Buffer.alloc(1);
const GREETING_MS = 50;
const TICK_MS = 1;
/** After a pause of this process, what is due is sent late, but not at once: no queue would take it. */
const BURST_MAX = 8;
const REPORT_MS = 200;
const LAST_PACKETS_MS = 1_000;
const RECEIVE_BUFFER_BYTES = 4_194_304;
const HEXADECIMAL = 16;

/** A line that it prints. */
export interface TrafficReport extends ReceptionReport {
  readonly sent: number;
  /** Packets that came and that this process was too slow to take: none of the tunnel's fault. */
  readonly overrun: number;
  /** It is the last line. */
  readonly isLast: boolean;
}

function main([address, other, portText, rateText]: readonly string[]): void {
  const port = Number(portText);
  const perMs = Number(rateText) / 1_000;
  const packet = Buffer.alloc(PACKET_BYTES);
  const reception = new Reception();
  const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
  let sent = 0;
  let sinceMs: number | null = null;
  const report = (isLast: boolean): void => {
    const line: TrafficReport = { ...reception.report, sent, overrun: readOverrun(port), isLast };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  const sendDue = (): void => {
    if (sinceMs === null) return;
    const due = Math.floor((performance.now() - sinceMs) * perMs) - sent;
    for (let count = Math.min(due, BURST_MAX); count > 0; count -= 1) {
      packet.writeUInt32BE(sent);
      // A copy: the socket sends it later. What cannot be sent counts as sent, and so as lost.
      socket.send(Buffer.from(packet), port, other, () => {});
      sent += 1;
    }
  };
  socket.on('message', (message) => {
    sinceMs ??= performance.now();
    const nowMs = performance.timeOrigin + performance.now();
    if (message.length >= NUMBER_BYTES) reception.take(message.readUInt32BE(), nowMs);
  });
  socket.bind(port, address, () => {
    const greeting = setInterval(() => {
      if (sinceMs === null) socket.send(GREETING, port, other, () => {});
    }, GREETING_MS);
    const sending = setInterval(sendDue, TICK_MS);
    const reporting = setInterval(() => report(false), REPORT_MS);
    process.once('SIGTERM', () => {
      clearInterval(greeting);
      clearInterval(sending);
      setTimeout(() => {
        clearInterval(reporting);
        report(true);
        socket.close();
      }, LAST_PACKETS_MS);
    });
  });
}

/** What the sockets of this port have dropped in this namespace. @see proc_net(5), `udp` */
function readOverrun(port: number): number {
  const sockets = readFileSync('/proc/self/net/udp', 'utf8').trim().split('\n').slice(1);
  return sockets
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', HEXADECIMAL) === port)
    .reduce((sum, fields) => sum + Number(fields.at(-1)), 0);
}

main(process.argv.slice(2));
