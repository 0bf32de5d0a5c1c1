/**
 * Sessions that die while their ends hold different PSKs, with a delay on the way: there WireGuard alone
 * may not get out of it for minutes. To be played while other tests run.
 */
import { dieAided } from '../../example/lab/dead-session.ts';
import { settingsOf } from '../../example/lab/wireguard.ts';
import { TunnelLab } from '../support/tunnel-lab.ts';

/** As far as from Lisbon to Helsinki. */
const DELAY_MS = 25;
const DEATHS = 4;
const KEEPALIVE_SECONDS = '25';
/** A rotation during the return would hide what brought the session back. */
const TIMING = { interval: '6s', max_key_age: '120s' };

export interface Revived {
  /** From the moment at which both ends hold the same PSK again, milliseconds; null: too late. */
  readonly returns: readonly (number | null)[];
  /** How often each end added its peer anew. */
  readonly revivals: readonly (readonly [first: number, last: number])[];
  /** Of the peers of both ends. */
  readonly settings: readonly unknown[];
  readonly settingsBefore: readonly unknown[];
}

export async function reviveOverDelay(dist: string): Promise<Revived> {
  const lab = await TunnelLab.start({ dist, delayMs: DELAY_MS, link: TIMING });
  const peers = lab.ends.map((end) => [end.interface, lab.lab.peerOf(end).publicKey] as const);
  for (const [name, peer] of peers) {
    await lab.wg('set', name, 'peer', peer, 'persistent-keepalive', KEEPALIVE_SECONDS);
  }
  const settings = (): Promise<unknown[]> =>
    Promise.all(peers.map(([name, peer]) => settingsOf(name, peer)));
  const revivals = async (): Promise<[number, number]> => {
    const [first, last] = await Promise.all(lab.ends.map((end) => lab.status(end)));
    return [first?.sinks[0]?.revivals ?? -1, last?.sinks[0]?.revivals ?? -1];
  };
  const stream = await lab.stream();
  const settingsBefore = await settings();
  const { signal } = new AbortController();
  const scene = { lab: lab.lab, hop: lab.hop, stream, aged: false, signal };
  const returns: (number | null)[] = [];
  const counts: [number, number][] = [];
  let before = await revivals();
  for (let death = 0; death < DEATHS; death += 1) {
    returns.push(await dieAided(scene));
    const after = await revivals();
    counts.push([after[0] - before[0], after[1] - before[1]]);
    before = after;
  }
  const settingsAfter = await settings();
  await lab.close();
  return { returns, revivals: counts, settings: settingsAfter, settingsBefore };
}
