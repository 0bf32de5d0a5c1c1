/** A UDP stream in both directions between two nodes, through whatever tunnels are between them. */
import { fileURLToPath } from 'node:url';
import type { Program } from '../demo/programs.ts';
import type { Network } from './network.ts';
import type { NodePlan } from './plan.ts';
import type { TrafficReport } from './traffic.ts';

const TRAFFIC = fileURLToPath(new URL('traffic.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PORT = 7777;

/** One direction. */
export interface Flow {
  readonly sent: number;
  readonly received: number;
  /** By the tunnels. While packets are on their way: those that others have overtaken. */
  readonly lost: number;
  readonly late: number;
  /** What came through and the receiving program was too slow to take. */
  readonly overrun: number;
  /** When the last packet came, Unix time in milliseconds; null: none has. */
  readonly lastAtMs: number | null;
  readonly silences: TrafficReport['silences'];
}

/** From the first of the two nodes to the second, and back. */
export type Flows = readonly [Flow, Flow];

export class Stream {
  readonly #ends: readonly [StreamEnd, StreamEnd];

  /** Starts it; packets flow as soon as one gets through. @param rate - packets a second each way */
  constructor(network: Network, [a, b]: readonly [NodePlan, NodePlan], rate: number) {
    this.#ends = [new StreamEnd(network, a, b, rate), new StreamEnd(network, b, a, rate)];
  }

  /** As far as is known by now. */
  get flows(): Flows {
    const [a, b] = this.#ends;
    return [flowOf(a.report, b.report), flowOf(b.report, a.report)];
  }

  /** Ends it when what is on its way has come. */
  async stop(): Promise<Flows> {
    await Promise.all(this.#ends.map((end) => end.stop()));
    const [there, back] = this.flows;
    return [whole(there), whole(back)];
  }
}

const NOTHING: TrafficReport = {
  sent: 0,
  received: 0,
  lost: 0,
  late: 0,
  overrun: 0,
  lastAtMs: null,
  silences: [],
  isLast: false,
};

class StreamEnd {
  report = NOTHING;
  readonly #program: Program;

  constructor(network: Network, from: NodePlan, to: NodePlan, rate: number) {
    this.#program = network.start({
      name: `the traffic of ${from.name}`,
      namespace: from.namespace,
      argv: ['--import', 'tsx', TRAFFIC, from.address, to.address, String(PORT), String(rate)],
      // There it finds the loader.
      cwd: ROOT,
      onLine: (line) => {
        this.report = JSON.parse(line) as TrafficReport;
      },
    });
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    if (!this.report.isLast) throw new Error(await this.#program.ended);
  }
}

function flowOf({ sent }: TrafficReport, receiver: TrafficReport): Flow {
  const { received, late, overrun, lastAtMs, silences } = receiver;
  // What was not taken is not missed before something later has come.
  const lost = Math.max(0, receiver.lost - overrun);
  return { sent, received, lost, late, overrun, lastAtMs, silences };
}

/** Of a stream that has ended: whatever has not come is lost. */
function whole(flow: Flow): Flow {
  return { ...flow, lost: flow.sent - flow.received - flow.overrun };
}
