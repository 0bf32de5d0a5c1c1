/**
 * What takes as long as WireGuard's own rekeying, which begins at a session's age of 120 s: to be
 * played side by side, while other tests run.
 */
import { randomBytes } from 'node:crypto';
import type { Flows } from '../../example/lab/stream.ts';
import { waitFor } from '../support/programs/wait.ts';
import { TunnelLab, type TunnelLabOptions } from '../support/tunnel-lab.ts';

const REKEY_MS_MAX = 150_000;
/** Each look starts a few programs, and there is a PSK every two seconds. */
const POLL_MS = 500;
const REKEY_AGE_SECONDS = 120;
const SETTLED_SECONDS = 10;

export interface Rotated {
  readonly flows: Flows | null;
  /** How many PSKs both ends held, one after the other. */
  readonly psks: number;
}

/** PSKs change every two seconds, under traffic, until WireGuard has begun a new session. */
export async function rotateOverRekey(dist: string): Promise<Rotated> {
  const lab = await TunnelLab.start({ dist });
  await lab.stream();
  const { isRenewed } = await sessionOf(lab);
  const psks = new Set<string>();
  const sawNewSession = async (): Promise<boolean> => {
    const [a, b] = await lab.psks();
    if (a === b) psks.add(a);
    return await isRenewed();
  };
  await waitFor('a new session', sawNewSession, REKEY_MS_MAX, POLL_MS);
  return { flows: await lab.close(), psks: psks.size };
}

/**
 * Somebody changes the PSK of one end by hand, so that the rekey fails, and no key comes to mend it;
 * the next rotation does so before the session is too old.
 *
 * @returns when both ends say that the link is protected
 */
export async function mismatchOverRekey(options: TunnelLabOptions): Promise<Flows | null> {
  // A rotation is due just before the rekey; and the next is late enough for both ends to see the
  // session that the first one brings.
  const lab = await TunnelLab.start({ ...options, link: { interval: '30s' } });
  await lab.stream();
  const { ageSeconds, isRenewed } = await sessionOf(lab);
  const untilAge = (seconds: number): Promise<unknown> =>
    waitFor(`a session of ${seconds} s`, () => ageSeconds() > seconds, REKEY_MS_MAX);
  await untilAge(REKEY_AGE_SECONDS - 15);
  await lab.lab.crashKmes(lab.hop);
  await untilAge(REKEY_AGE_SECONDS - 5);
  const psk = await lab.agreement();
  await lab.setPsk(lab.hop.left, randomBytes(32).toString('base64'));
  await untilAge(REKEY_AGE_SECONDS + 2);
  if (await isRenewed()) throw new Error('the session was renewed with different PSKs');
  await lab.lab.startKmes(lab.hop);
  await waitFor('a new session', isRenewed, REKEY_MS_MAX, POLL_MS);
  await lab.agreement([psk]);
  await lab.untilBoth(({ tunnel }) => tunnel.protection === 'protected');
  return await lab.close();
}

interface Session {
  readonly ageSeconds: () => number;
  /** True when both ends know of a newer one. */
  readonly isRenewed: () => Promise<boolean>;
}

/** The session that there is once the beginning is over, in which both ends may begin one. */
async function sessionOf(lab: TunnelLab): Promise<Session> {
  let before: readonly number[] = [];
  const ageSeconds = (): number => Date.now() / 1_000 - Math.max(...before);
  const isSettled = async (): Promise<boolean> => {
    before = await lab.handshakes();
    return !before.includes(0) && ageSeconds() > SETTLED_SECONDS;
  };
  await waitFor('a session that stays', isSettled, REKEY_MS_MAX, POLL_MS);
  return {
    ageSeconds,
    isRenewed: async () =>
      (await lab.handshakes()).every((stamp, end) => stamp > (before[end] ?? 0)),
  };
}
