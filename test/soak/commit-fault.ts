/** Commits the planned faults on the stage, each until it is told to end. */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENDS } from '../../example/demo/key-files.ts';
import type { Message } from '../support/proxy.ts';
import type { Fault } from './plan.ts';
import type { Stage } from './stage.ts';

/** A responder answers an ack first and then has its sinks installed, within this. */
const INSTALL_MS = 50;

type FaultOf<T extends Fault['type']> = Extract<Fault, { readonly type: T }>;

/**
 * Ends a fault.
 *
 * @returns the moment at which nothing was wrong any more but what the daemons made of it, by
 *   `performance.now()`
 */
export type EndFault = () => Promise<number>;

/**
 * Begins a fault.
 *
 * @param signal - breaks off the wait for the moment at which a fault happens
 */
export async function commitFault(
  fault: Fault,
  stage: Stage,
  signal: AbortSignal,
): Promise<EndFault> {
  switch (fault.type) {
    case 'kme': {
      const kme = stage.kmes[fault.at];
      await kme.fault(fault.control);
      return afterwards(() => kme.endFaults());
    }
    case 'kme-stopped':
      await stage.stopKme(fault.at);
      return afterwards(() => stage.startKme(fault.at));
    case 'cut':
      return cut(fault, stage);
    case 'killed':
      return await kill(fault, stage, signal);
  }
}

function cut({ how }: FaultOf<'cut'>, { proxies }: Stage): EndFault {
  for (const end of ENDS) {
    const proxy = proxies[end];
    const all = (): boolean => true;
    if (how === 'refused') proxy.drop('request', all);
    else proxy.hold(how === 'silent' ? 'request' : 'answer', all);
  }
  return afterwards(() => {
    for (const end of ENDS) proxies[end].clear();
  });
}

async function kill(
  { at, moment }: FaultOf<'killed'>,
  stage: Stage,
  signal: AbortSignal,
): Promise<EndFault> {
  if (moment === 'mid-exchange') await untilHalfCommitted(stage, signal);
  await stage.killDaemon(at);
  return async () => {
    for (const end of ENDS) stage.proxies[end].clear();
    const endedMs = performance.now();
    // Its start is no part of the fault: that the daemon is back soon is up to the daemon.
    await stage.startDaemon(at);
    return endedMs;
  };
}

/** Waits for an ack, and keeps every answer to it back: only the responder has installed the PSK. */
async function untilHalfCommitted({ proxies }: Stage, signal: AbortSignal): Promise<void> {
  const events = new EventEmitter<{ ack: [] }>();
  const isAck = ({ path, answer }: Message): boolean => {
    const isIt = path.endsWith('/ack') && answer?.status === 200;
    if (isIt) events.emit('ack');
    return isIt;
  };
  for (const end of ENDS) proxies[end].drop('answer', isAck);
  await once(events, 'ack', { signal });
  await sleep(INSTALL_MS, null, { signal });
}

function afterwards(end: () => Promise<void> | void): EndFault {
  return async () => {
    await end();
    return performance.now();
  };
}
