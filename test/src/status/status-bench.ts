/** A link that is well, for tests that make one thing of it otherwise. */
import type { LinkParts } from '../../../src/status/build-report.ts';
import { RecentErrors, type StatusClock } from '../../../src/status/recent-errors.ts';
import { LinkRecorder } from '../../../src/status/recorder.ts';
import type { TunnelReport } from '../../../src/tunnel/report.ts';

export const SINK = 'file ./psk/alice/bob.key';
export const CHAIN = '1b4e28ba-2fa1-41d2-883f-0016d3cca427';
export const EXCHANGE = 'c0b6ad3f-57c9-4a52-a6a6-6a6f9b1c9a10';
export const KEY_ID = '6fa459ea-ee8a-4ca4-894e-db77e160355e';

const START = Date.parse('2026-11-23T08:00:00Z');

/** Both clocks, moved by hand. */
export class TestClock implements StatusClock {
  ms = 0;

  nowMs(): number {
    return this.ms;
  }

  date(): Date {
    return new Date(START + this.ms);
  }
}

export const TUNNEL: TunnelReport = {
  protection: 'unproven',
  sinceMs: 60_000,
  alarm: null,
  peer: 'silent',
  sinks: [
    {
      label: SINK,
      state: 'unproven',
      sinceMs: 60_000,
      sessionAgeMs: null,
      rxBytes: null,
      txBytes: null,
      revivals: 0,
    },
  ],
};

/** A link that committed its epoch 14 a minute ago, and is at rest. */
export function quietLink(): LinkParts & { readonly clock: TestClock } {
  const clock = new TestClock();
  const recorder = new LinkRecorder(clock);
  const role = 'initiator';
  recorder.observe({ type: 'opened', exchange: EXCHANGE, role, opening: 'rotate' });
  clock.ms += 40;
  recorder.observe({
    type: 'committed',
    exchange: EXCHANGE,
    chain: CHAIN,
    epoch: 14,
    keyId: KEY_ID,
    role,
  });
  recorder.observe({ type: 'timer-set', timer: 'ROTATE_AFTER', ms: 120_000 });
  recorder.observe({
    type: 'ended',
    exchange: EXCHANGE,
    role,
    opening: 'rotate',
    result: 'committed',
  });
  recorder.observe({ type: 'sink-answered', sink: SINK, code: null });
  clock.ms += 60_000;
  return {
    config: {
      name: 'bob',
      protocol: 2,
      localSaeId: 'sae_alice',
      remoteSaeId: 'sae_bob',
      intervalMs: 120_000,
      maxKeyAgeMs: 180_000,
      onExpiry: 'random',
    },
    view: {
      state: 'committed.resting',
      psk: 'agreed.fresh',
      sinks: 'settled',
      context: {
        chain: { id: CHAIN, epoch: 14 },
        exchange: null,
        lastCommit: { exchange: EXCHANGE, keyId: KEY_ID, role },
        failures: 0,
        reserved: [],
      },
    },
    recorder,
    errors: new RecentErrors(clock),
    complaint: null,
    tunnel: TUNNEL,
    hello: { peer: null, findings: [] },
    kme: {
      keysDelivered: 14,
      keysWrittenOff: 0,
      failures: {},
      kmes: [{ url: 'https://kme.example', inUse: true, code: null, retryInMs: null }],
      stock: { stock: 1200, max: 5000, ratePerHour: 36, timeLeftS: 136_800, paceMs: 0 },
    },
    clock,
  };
}
