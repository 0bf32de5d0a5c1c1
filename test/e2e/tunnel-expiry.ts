/** No key comes until the PSK is too old: what each `on_expiry` makes of the tunnel; the way back. */
import { describe, expect } from '@jest/globals';
import type { Flows } from '../../example/lab/stream.ts';
import { waitFor } from '../support/programs/wait.ts';
import { lostOf, NOTHING_LOST, TunnelLab } from '../support/tunnel-lab.ts';
import { testIfPossible } from './tunnel-possible.ts';

const TEST_MS_MAX = 60_000;
const SOON_MS_MAX = 20_000;
/** The figure of docs/wireguard.md. */
const BACK_MS_MAX = 10_000;
/** Without packets for so long a tunnel is closed. */
const CLOSED_AFTER_MS = 1_500;

const EXPIRY = { interval: '1s', max_key_age: '3s' };

/** When the newest packet came, in the direction that was silent for longer. */
const lastPacketMs = (flows: Flows): number =>
  Math.min(...flows.map(({ lastAtMs }) => lastAtMs ?? 0));

const isExpired = ({ psk }: { readonly psk: { readonly state: string } }): boolean =>
  psk.state === 'expired';

async function expire(dist: string, onExpiry: string): Promise<TunnelLab> {
  const lab = await TunnelLab.start({ dist, link: { ...EXPIRY, on_expiry: onExpiry } });
  await lab.stream();
  await lab.lab.crashKmes(lab.hop);
  for (const end of [lab.hop.left, lab.hop.right]) await lab.untilStatus(end, isExpired);
  return lab;
}

/** Starts the KME; returns after how long packets come again, both ways. */
async function recover(lab: TunnelLab): Promise<number> {
  await lab.lab.startKmes(lab.hop);
  const returnedMs = Date.now();
  const isBack = (): boolean => lastPacketMs(lab.flows) > returnedMs;
  await waitFor('packets', isBack, SOON_MS_MAX);
  await lab.agreement();
  return lastPacketMs(lab.flows) - returnedMs;
}

const untilClosed = (lab: TunnelLab): Promise<unknown> =>
  waitFor(
    'the tunnel to close',
    () => lab.flows.every(({ lastAtMs }) => Date.now() - (lastAtMs ?? 0) > CLOSED_AFTER_MS),
    SOON_MS_MAX,
  );

/** @param dist - says where the built programs are, once they are */
export function describeExpiry(dist: () => string): void {
  describe('the KME is away for longer than max_key_age, and comes back', () => {
    testIfPossible(
      'random: no new session can begin; recovers by itself',
      async () => {
        const lab = await expire(dist(), 'random');
        await lab.disagreement();
        // WireGuard keeps a session that it has for up to three minutes. Here it ends sooner.
        await lab.endSessions();
        await untilClosed(lab);
        expect(await lab.lab.ping(lab.first, lab.last)).toBe(false);
        expect(await recover(lab)).toBeLessThan(BACK_MS_MAX);
        await lab.close();
      },
      TEST_MS_MAX,
    );

    testIfPossible(
      'remove: the session ends at once; recovers by itself',
      async () => {
        const lab = await expire(dist(), 'remove');
        await untilClosed(lab);
        await lab.disagreement();
        expect(await lab.lab.ping(lab.first, lab.last)).toBe(false);
        expect(await recover(lab)).toBeLessThan(BACK_MS_MAX);
        await lab.close();
      },
      TEST_MS_MAX,
    );

    testIfPossible(
      'keep: the PSK stays and is complained of, and not a packet is lost',
      async () => {
        const lab = await expire(dist(), 'keep');
        const [a, b] = await lab.psks();
        expect(a).toBe(b);
        expect((await lab.status(lab.hop.left)).verdict).toBe('not protected');
        await lab.lab.startKmes(lab.hop);
        await lab.agreement([a]);
        expect(lostOf(await lab.close())).toEqual(NOTHING_LOST);
      },
      TEST_MS_MAX,
    );
  });
}
