/** What the report says of a link, whatever its parts say. */
import { describe, expect, test } from '@jest/globals';
import type { Opening } from '../../../machines/link.types.ts';
import {
  buildDaemonReport,
  buildLinkReport,
  type LinkParts,
} from '../../../src/status/build-report.ts';
import { LinkRecorder } from '../../../src/status/recorder.ts';
import type { Verdict } from '../../../src/status/report.ts';
import type { Protection } from '../../../src/tunnel/report.ts';
import { CHAIN, EXCHANGE, KEY_ID, quietLink, SINK, TUNNEL } from './status-bench.ts';

type Change = (link: ReturnType<typeof quietLink>) => LinkParts;

const machine =
  (change: Partial<LinkParts['view']>): Change =>
  (link) => ({ ...link, view: { ...link.view, ...change } });

const failing =
  (failures: number, complaint: string): Change =>
  ({ view, ...link }) => ({
    ...link,
    complaint,
    view: { ...view, context: { ...view.context, failures } },
  });

const tunnel =
  (protection: Protection, change: Partial<typeof TUNNEL> = {}): Change =>
  (link) => ({ ...link, tunnel: { ...TUNNEL, protection, ...change } });

/** A sink that has not taken the newest PSK. @param hasOld - it took the one before, so long ago */
const behind =
  (agoMs: number | null): Change =>
  (link) => {
    const sinks = TUNNEL.sinks.map((sink) => ({
      ...sink,
      label: agoMs === null ? 'another' : SINK,
      state: 'not installed' as const,
    }));
    link.clock.ms += agoMs ?? 0;
    return { ...link, tunnel: { ...TUNNEL, protection: 'none', sinks } };
  };

const EXCHANGE_2 = {
  id: EXCHANGE.replace('c', 'd'),
  role: 'responder',
  opening: 'rotate',
  chain: CHAIN,
  epoch: 15,
  keyId: null,
  waiting: [],
  reserved: [],
} as const;

/** Another exchange, under way for so long. */
const under =
  (lastsMs: number, opening: Opening = 'rotate'): Change =>
  (link) => {
    const { id, role } = EXCHANGE_2;
    link.recorder.observe({ type: 'opened', exchange: id, role, opening });
    link.clock.ms += lastsMs;
    const context = { ...link.view.context, exchange: { ...EXCHANGE_2, opening } };
    return { ...link, view: { ...link.view, state: 'rotating.serving', context } };
  };

const both =
  (first: Change, second: Change): Change =>
  (link) =>
    second({ ...link, ...first(link), clock: link.clock });

describe('the verdict', () => {
  test.each<[string, Change, Verdict, string]>([
    ['all is well', (link) => link, 'protected', 'cannot tell whether it is in use'],
    ['a machine that broke', machine({ state: 'broken' }), 'not protected', 'machine broke'],
    ['nothing agreed', machine({ psk: 'none' }), 'not protected', 'No PSK was agreed'],
    [
      'nothing agreed, with a reason',
      both(machine({ psk: 'none' }), failing(2, 'the KME gave no key (ERR_KME_UNREACHABLE)')),
      'not protected',
      'since the start: the KME gave no key (ERR_KME_UNREACHABLE).',
    ],
    ['expired', machine({ psk: 'expired' }), 'not protected', 'no session can begin.'],
    [
      'a rotation that fails',
      failing(1, 'no answer of the peer (ECONNREFUSED)'),
      'degraded',
      'its rotation failed once: no answer of the peer (ECONNREFUSED).',
    ],
    ['a rotation that goes on failing', failing(7, 'x'), 'degraded', 'failed 7 times: x'],
    ['an exchange that lasts', under(5_001), 'degraded', 'its rotation takes long.'],
    ['an exchange that is on its way', under(5_000), 'protected', 'installed'],
    ['a key that is laid by slowly', under(5_001, 'reserve'), 'protected', 'installed'],
    ['due, and under way', machine({ psk: 'agreed.due' }), 'protected', 'installed'],
    ['a sink that is late', behind(10), 'degraded', `The sink ${SINK} does not hold`],
    ['a sink with a PSK that is too old', behind(180_000), 'not protected', 'no agreed PSK'],
    ['a sink that never took one', behind(null), 'not protected', 'The sink another has no'],
    ['proved at both ends', tunnel('protected'), 'protected', 'Both ends'],
    ['proved, but failing', both(tunnel('protected'), failing(2, 'x')), 'degraded', 'failed 2'],
    ['between two sessions', tunnel('renewing'), 'protected', 'waits for the next session'],
    [
      'not in effect, with traffic',
      tunnel('renewing', { alarm: 'not in effect' }),
      'degraded',
      'does not take effect',
    ],
    ['proved here, just now', tunnel('here', { sinceMs: 15_000 }), 'protected', 'at this end.'],
    ['proved here alone', tunnel('here', { sinceMs: 15_001 }), 'degraded', 'has not said so'],
    [
      'a peer that cannot tell',
      tunnel('here', { peer: 'unsupported' }),
      'protected',
      'the peer cannot tell',
    ],
    ['proved there, just now', tunnel('there', { sinceMs: 15_000 }), 'protected', 'other end.'],
    ['proved there alone', tunnel('there', { sinceMs: 15_001 }), 'degraded', 'this end saw none'],
    ['no session yet', tunnel('installed'), 'degraded', 'waits for a session'],
    [
      'none, with traffic, for long',
      tunnel('installed', { alarm: 'not in effect' }),
      'degraded',
      'though there is traffic',
    ],
    ['traffic without', tunnel('exposed'), 'not protected', 'the next session begins under it'],
    [
      'traffic without, while a sink has another PSK',
      both(behind(1_000), (link) => ({
        ...link,
        tunnel: { ...link.tunnel, protection: 'exposed', alarm: 'exposed' },
      })),
      'not protected',
      'without an agreed PSK',
    ],
    [
      'traffic, and none was agreed',
      both(machine({ psk: 'none' }), tunnel('exposed')),
      'not protected',
      'since the start, and the tunnel carries traffic',
    ],
    ['nothing in the sinks', tunnel('none'), 'not protected', 'hold no agreed PSK'],
  ])('%s', (_, change, verdict, sentence) => {
    const report = buildLinkReport(change(quietLink()));
    expect(report).toMatchObject({ verdict, reason: expect.stringContaining(sentence) });
    expect(report.reason).toMatch(/^[A-Z].*\.$/);
  });

  test.each([
    ['random', 'a random one is in its place, so that no session can begin'],
    ['keep', 'the old PSK stays in use'],
    ['remove', 'it is taken out of the sinks'],
  ] as const)('what on_expiry "%s" has made of the tunnel', (onExpiry, fate) => {
    const link = machine({ psk: 'expired' })(quietLink());
    const report = buildLinkReport({ ...link, config: { ...link.config, onExpiry } });
    expect(report.reason).toBe(`The PSK has expired and ${fate}.`);
  });

  test('on all links is that on the worst, and names it', () => {
    const facts = { version: '1.2.3', startedAt: '2026-11-23T08:00:00.000Z', upMs: 60_040 };
    const well = buildLinkReport(quietLink());
    const late = { ...buildLinkReport(failing(1, 'x')(quietLink())), name: 'carol' };
    const dead = { ...buildLinkReport(tunnel('none')(quietLink())), name: 'dave' };
    const verdictOn = (...links: (typeof well)[]) => {
      const { verdict, reason } = buildDaemonReport(facts, links);
      return `${verdict}: ${reason}`;
    };
    expect(verdictOn(well, well)).toBe('protected: Every link is protected.');
    expect(verdictOn(well, late)).toMatch(/^degraded: carol: The PSK is in force/);
    expect(verdictOn(dead, late, dead)).toBe(`not protected: dave (and 1 more): ${dead.reason}`);
  });
});

describe('facts', () => {
  test('a link at rest: its commit, its age, its next rotation', () => {
    expect(buildLinkReport(quietLink())).toMatchObject({
      role: 'initiator',
      chain: { epoch: 14 },
      exchange: null,
      lastCommit: { at: '2026-11-23T08:00:00.040Z', agoMs: 60_000, tookMs: 40, keyId: KEY_ID },
      psk: { state: 'agreed.fresh', ageMs: 60_000, maxKeyAgeMs: 180_000 },
      rotation: { intervalMs: 120_000, nextInMs: 60_000, nextAt: '2026-11-23T08:02:00.040Z' },
      sinks: [{ label: SINK, pskAgeMs: 60_000 }],
      totals: { commits: 1, failedExchanges: 0, expiries: 0 },
    });
  });

  test('an exchange under way: its role goes first, and no rotation is next', () => {
    const { id, role, opening } = EXCHANGE_2;
    const report = buildLinkReport(under(500)(quietLink()));
    expect(report).toMatchObject({
      role: 'responder',
      exchange: { id, role, opening, epoch: 15, keyId: null, lastsMs: 500 },
      rotation: { nextAt: null, nextInMs: null },
    });
    expect(report.exchange).not.toHaveProperty('waiting');
  });

  test.each(['committed.filling', 'reserving.asking'])('in %s the interval goes on', (state) => {
    const { rotation } = buildLinkReport(machine({ state })(quietLink()));
    expect(rotation.nextInMs).toBe(60_000);
  });

  test.each(['idle', 'committed.retrying'])('in %s the next try counts', (state) => {
    const link = quietLink();
    link.recorder.observe({ type: 'timer-set', timer: 'NEXT_TRY', ms: 2_000 });
    link.clock.ms += 500;
    const { rotation } = buildLinkReport(machine({ state })(link));
    expect(rotation.nextInMs).toBe(1_500);
  });

  test('before anything was agreed nothing is known', () => {
    const link = { ...quietLink(), recorder: new LinkRecorder() };
    const context = { chain: null, exchange: null, lastCommit: null, failures: 0, reserved: [] };
    const view = { state: 'idle', psk: 'none', sinks: 'settled', context };
    expect(buildLinkReport({ ...link, view })).toMatchObject({
      role: null,
      chain: null,
      lastCommit: null,
      psk: { ageMs: null },
      rotation: { nextAt: null },
      sinks: [{ pskAgeMs: null }],
    });
  });

  test('is JSON: nothing is lost on the way', () => {
    const report = buildLinkReport(quietLink());
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});
