/**
 * What the daemons say of a tunnel that is open without an agreed PSK, and of a PSK that no session
 * begins with: each until it is over, which takes as long as WireGuard's own rekeying. To be played
 * while other tests run.
 */
import { randomBytes } from 'node:crypto';
import type { LinkStatus } from '../../example/lab/control.ts';
import type { Flows } from '../../example/lab/stream.ts';
import { TunnelLab, type TunnelLabOptions } from '../support/tunnel-lab.ts';

/** Traffic is known after twenty seconds. */
const EXPOSED_MS_MAX = 45_000;
const ROTATION_MS_MAX = 60_000;
const REKEY_MS_MAX = 150_000;
/** A revival, and WireGuard's own tries every 5 s. */
const SESSION_MS_MAX = 20_000;
const PSK_BYTES = 32;
/** Nobody answers there. */
const DISCARD_PORT = 9;

const IS_OPEN = 'the tunnel carries traffic without an agreed PSK';
const IS_OPEN_NO_MORE = 'the tunnel carries no traffic without an agreed PSK any more';

/** What an operator sees at both ends, when both logs have said the same. */
interface Seen {
  readonly statuses: readonly LinkStatus[];
  /** Exit codes of `qupskd status`. */
  readonly codes: readonly (number | null)[];
}

export interface Open {
  /** The PSK is agreed on and installed; the session is the one that began without. */
  readonly installed: Seen;
  readonly after: Seen;
  readonly flows: Flows | null;
}

export interface Exposed extends Open {
  /** No PSK was agreed on. */
  readonly before: Seen;
}

/** Without guard and without a KME, until the KME is back and WireGuard has begun a new session. */
export async function exposedUntilRekey(options: TunnelLabOptions): Promise<Exposed> {
  const lab = await TunnelLab.prepare({
    ...options,
    sink: { guard: false },
    link: { interval: '30s' },
  });
  await lab.lab.crashKmes(lab.hop);
  await lab.lab.startDaemons();
  await lab.stream();
  await lab.untilBothSaid(IS_OPEN, EXPOSED_MS_MAX);
  const before = await seen(lab);
  await lab.lab.startKmes(lab.hop);
  await lab.agreement();
  return { before, ...(await openUntilRekey(lab)) };
}

/** A session without a PSK is there before the daemons, which agree on one at once. */
export async function bareUntilRekey(options: TunnelLabOptions): Promise<Open> {
  const lab = await TunnelLab.prepare({ ...options, link: { interval: '30s' } });
  await lab.stream();
  await lab.lab.startDaemons();
  await lab.agreement();
  await lab.untilBothSaid(IS_OPEN, EXPOSED_MS_MAX);
  return await openUntilRekey(lab);
}

async function openUntilRekey(lab: TunnelLab): Promise<Open> {
  await lab.untilBoth(({ sinks }) => sinks.every(isInstalledAndRead));
  const installed = await seen(lab);
  await lab.untilBothSaid(IS_OPEN_NO_MORE, REKEY_MS_MAX);
  await lab.untilBoth(({ tunnel }) => tunnel.protection === 'protected');
  return { installed, after: await seen(lab), flows: await lab.close() };
}

export interface Foreign {
  readonly during: Seen;
  readonly after: readonly LinkStatus[];
  /** No session has begun meanwhile. */
  readonly isSameSession: boolean;
  readonly flows: Flows | null;
}

/** Somebody gives both ends another PSK by hand; the next rotation takes its place. */
export async function foreignUntilRotation(options: TunnelLabOptions): Promise<Foreign> {
  const lab = await TunnelLab.start({ ...options, link: { interval: '40s' } });
  await lab.stream();
  await lab.untilBoth(({ tunnel }) => tunnel.protection === 'protected');
  const sessions = await lab.handshakes();
  const before = await lab.psks();
  const foreign = randomBytes(PSK_BYTES).toString('base64');
  await Promise.all(lab.ends.map((end) => lab.setPsk(end, foreign)));
  await lab.untilBothSaid(IS_OPEN, EXPOSED_MS_MAX);
  const during = await seen(lab);
  await lab.untilBothSaid(IS_OPEN_NO_MORE, ROTATION_MS_MAX);
  await lab.agreement([...before, foreign]);
  const after = await Promise.all(lab.ends.map((end) => lab.status(end)));
  const isSameSession = String(await lab.handshakes()) === String(sessions);
  return { during, after, isSameSession, flows: await lab.close() };
}

export interface Unreachable {
  /** From the first agreed PSK to the alarm, milliseconds. */
  readonly alarmAfterMs: number;
  readonly during: Seen;
  readonly after: Seen;
}

/** PSKs are agreed on, but neither WireGuard reaches the other; in the end they do. */
export async function unreachableUntilAlarm(options: TunnelLabOptions): Promise<Unreachable> {
  const lab = await TunnelLab.prepare({ ...options, link: { interval: '40s' } });
  await lookFor(lab, (endpoint) => endpoint.replace(/\d+$/, String(DISCARD_PORT)));
  await lab.lab.startDaemons();
  await lab.agreement();
  const agreedMs = performance.now();
  lab.send();
  await lab.untilBothSaid('a PSK does not take effect', REKEY_MS_MAX);
  const alarmAfterMs = performance.now() - agreedMs;
  const during = await seen(lab);
  await lookFor(lab, (endpoint) => endpoint);
  await lab.untilBothSaid('the PSK does not wait for a session any more', SESSION_MS_MAX);
  await lab.untilBoth(({ verdict }) => verdict === 'protected');
  const after = await seen(lab);
  await lab.close();
  return { alarmAfterMs, during, after };
}

/** WireGuard was asked after the install. */
function isInstalledAndRead({ state, sessionAgeMs }: LinkStatus['sinks'][number]): boolean {
  return state === 'installed' && sessionAgeMs !== null;
}

/** Has both ends send to what is made of the endpoint of their peer. */
async function lookFor(lab: TunnelLab, change: (endpoint: string) => string): Promise<void> {
  for (const end of lab.ends) {
    const { publicKey, endpoint } = lab.lab.peerOf(end);
    await lab.wg('set', end.interface, 'peer', publicKey, 'endpoint', change(endpoint));
  }
}

async function seen(lab: TunnelLab): Promise<Seen> {
  const [statuses, codes] = await Promise.all([
    Promise.all(lab.ends.map((end) => lab.status(end))),
    Promise.all(lab.ends.map((end) => lab.statusCode(end))),
  ]);
  return { statuses, codes };
}
