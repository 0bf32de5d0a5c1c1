/** The page of `qupskd status`, word for word. */
import { describe, expect, test } from '@jest/globals';
import { linkLine, span, statusText } from '../../../src/cli/status-text.ts';
import { buildDaemonReport, buildLinkReport } from '../../../src/status/build-report.ts';
import type { LinkReport } from '../../../src/status/report.ts';
import { EXCHANGE, KEY_ID, quietLink, SINK } from '../status/status-bench.ts';

const PLAIN = { columns: Number.POSITIVE_INFINITY, isColoured: false };
const FACTS = { version: '1.2.3', startedAt: '2026-11-23T08:00:00.000Z', upMs: 11_520_000 };

/** A link for which most of what can go wrong has. */
function illLink(): LinkReport {
  const report = buildLinkReport(quietLink());
  return {
    ...report,
    name: 'carol',
    verdict: 'not protected',
    reason:
      'The PSK has expired and the tunnel is closed: the KME gave no key (ERR_KME_UNREACHABLE).',
    state: 'rotating.asking',
    role: 'responder',
    protocol: 1,
    exchange: {
      id: EXCHANGE,
      role: 'responder',
      opening: 'rotate',
      epoch: 15,
      keyId: null,
      lastsMs: 1_250,
    },
    reserved: [KEY_ID, EXCHANGE],
    failures: 3,
    psk: { ...report.psk, state: 'expired', ageMs: 200_000 },
    rotation: { intervalMs: 120_000, nextAt: null, nextInMs: null },
    sinks: [
      {
        label: 'wireguard wg0',
        state: 'not in effect',
        sinceMs: 240_000,
        sessionAgeMs: 300_000,
        rxBytes: 1,
        txBytes: 2,
        revivals: 2,
        pskAgeMs: 200_000,
      },
      ...report.sinks.map((sink) => ({ ...sink, state: 'not installed' as const })),
    ],
    kme: {
      ...report.kme,
      keysWrittenOff: 2,
      kmes: [
        { url: 'https://a.example', inUse: false, code: 'ERR_KME_UNREACHABLE', retryInMs: 30_000 },
        { url: 'https://b.example', inUse: true, code: null, retryInMs: null },
      ],
      stock: { stock: null, max: null, ratePerHour: null, timeLeftS: null, paceMs: 0 },
    },
    errors: [
      {
        level: 'warn',
        at: '2026-11-23T08:00:10.000Z',
        agoMs: 50_000,
        count: 3,
        message: 'the KME gave no key',
        code: 'ERR_KME_UNREACHABLE',
        reason: 'no connection',
        remedy: 'See that it runs.',
        sink: null,
      },
    ],
  };
}

describe('the page', () => {
  test('of one link that is well', () => {
    const report = buildDaemonReport({ ...FACTS }, [buildLinkReport(quietLink())]);
    expect(statusText({ ...report, pid: 4711 }, PLAIN)).toBe(
      `
qupskd 1.2.3, pid 4711, up 3 h 12 min

bob: protected. The PSK is installed; its sinks cannot tell whether it is in use.
  state      committed.resting as initiator, epoch 14, key_ID 6fa459ea-ee8a-4ca4-894e-db77e160355e
  PSK        [########----------------] 1 min of 3 min
  rotation   last 1 min ago at 08:00:00Z; next in 1 min at 08:02:00Z
  sink       ${SINK}: installed; it cannot tell whether it is in use (1 min)
  KME        https://kme.example: in order
  stock      1200 of 5000 keys, 36 come in an hour, enough for 38 h
`.trimStart(),
    );
  });

  test('of several, with everything that fails', () => {
    const report = buildDaemonReport(FACTS, [buildLinkReport(quietLink()), illLink()]);
    const [head, all, ...links] = statusText({ ...report, pid: 4711 }, PLAIN).split('\n');
    expect([head, all]).toEqual([
      'qupskd 1.2.3, pid 4711, up 3 h 12 min',
      'not protected: carol: The PSK has expired and the tunnel is closed: the KME gave no key ' +
        '(ERR_KME_UNREACHABLE).',
    ]);
    expect(links.slice(9, -1)).toEqual([
      'carol: not protected. The PSK has expired and the tunnel is closed: the KME gave no ' +
        'key (ERR_KME_UNREACHABLE).',
      '  state      rotating.asking as responder, /rotate for 1.2 s, epoch 14, key_ID ' +
        '6fa459ea-ee8a-4ca4-894e-db77e160355e, 2 keys laid by, 3 failed, protocol 1',
      '  PSK        [########################] 3 min 20 s of 3 min, expired (on_expiry ' +
        'random)',
      '  rotation   last 1 min ago at 08:00:00Z; one is under way',
      '  sink       wireguard wg0: installed, but not in effect (4 min), last handshake 5 ' +
        'min ago, brought back 2 times',
      `  sink       ${SINK}: does not have the newest PSK (1 min)`,
      '  KME        https://a.example: ERR_KME_UNREACHABLE, left alone for 30 s',
      '  KME        https://b.example (in use): in order',
      '  stock      not known; 2 written off since the start',
      '  error      50 s ago, 3 times: the KME gave no key: ERR_KME_UNREACHABLE, no ' +
        'connection',
      '             -> See that it runs.',
    ]);
  });

  test('in a narrow window, broken between words', () => {
    const report = buildDaemonReport(FACTS, [illLink()]);
    const lines = statusText(report, { columns: 60, isColoured: false }).split('\n');
    expect(lines.slice(2, 7)).toEqual([
      'carol: not protected. The PSK has expired and the tunnel is',
      '  closed: the KME gave no key (ERR_KME_UNREACHABLE).',
      '  state      rotating.asking as responder, /rotate for 1.2',
      '             s, epoch 14, key_ID',
      '             6fa459ea-ee8a-4ca4-894e-db77e160355e, 2 keys',
    ]);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(60);
  });

  test('in a window too narrow for words, whole words', () => {
    const report = buildDaemonReport(FACTS, [illLink()]);
    const text = statusText(report, { columns: 10, isColoured: false });
    expect(text).toContain('6fa459ea-ee8a-4ca4-894e-db77e160355e');
  });

  test('in colour the verdict stands out, and nothing else changes', () => {
    const report = buildDaemonReport(FACTS, [buildLinkReport(quietLink()), illLink()]);
    const coloured = statusText(report, { ...PLAIN, isColoured: true });
    expect(coloured).toContain('bob: \u001b[1;32mprotected\u001b[0m. The');
    expect(coloured).toContain('carol: \u001b[1;31mnot protected\u001b[0m. The');
    const plain = ['1;32', '1;31', '0'].reduce(
      (text, code) => text.replaceAll(`\u001b[${code}m`, ''),
      coloured,
    );
    expect(plain).toBe(statusText(report, PLAIN));
  });

  test('nothing that a name holds reaches the terminal', () => {
    const link = buildLinkReport(quietLink());
    const sinks = link.sinks.map((sink) => ({ ...sink, label: 'file \u001b[2J\n' }));
    const text = statusText(buildDaemonReport(FACTS, [{ ...link, sinks }]), PLAIN);
    expect(text).toContain('file \\u{1b}[2J\\u{a}: installed');
  });
});

test('a link in one line', () => {
  expect(linkLine(buildLinkReport(quietLink()))).toBe(
    'bob: protected, epoch 14, committed.resting. The PSK is installed; its sinks cannot tell whether ' +
      'it is in use.',
  );
  expect(linkLine({ ...buildLinkReport(quietLink()), chain: null })).toContain(', no chain, ');
});

test.each([
  [0, '0 s'],
  [990, '0.9 s'],
  [9_999, '9.9 s'],
  [10_000, '10 s'],
  [60_000, '1 min'],
  [72_000, '1 min 12 s'],
  [3_600_000, '1 h'],
  [11_520_000, '3 h 12 min'],
  [172_799_000, '47 h 59 min'],
  [180_000_000, '2 d 2 h'],
])('%i ms are %s', (ms, text) => {
  expect(span(ms)).toBe(text);
});
