/**
 * The symbolic world itself: it reads what it prints, and it catches a machine that breaks the rules.
 */
import { describe, expect, test } from '@jest/globals';
import { linkMachine } from '../../machines/link.ts';
import { InvariantBroken } from './invariants/invariant.ts';
import {
  formatCommand,
  formatTranscript,
  parse,
  parseCommand,
  parseTranscript,
  print,
  run,
  World,
} from './world.ts';

const AGREED = 'start alice\nstart bob\nstabilize\n';

describe('commands', () => {
  const LINES = [
    'option protocol 1',
    'option interval 90s',
    'option max_key_age 1500ms',
    'option on_expiry remove',
    'option psk bob other',
    'option jitter 0.25',
    'option lookahead 3',
    'option lookahead bob 0',
    'option jitter alice 0.75',
    'option draws held',
    'start alice',
    'crash bob',
    'draw alice',
    'fire bob NEXT_TRY',
    'advance 250ms',
    'sleep bob 3600s',
    'deliver m3',
    'drop alice->bob',
    'duplicate m12',
    'refuse bob->alice',
    'replay m1',
    'reflect m1',
    'alter m2 epoch 9',
    'alter m2 refused busy',
    'forge /ack bob->alice',
    'kme alice not-yet',
    'age bob k2',
    'sink bob fails',
    'sink bob works',
    'settle',
    'stabilize',
  ];

  test.each(LINES)('%s is read and printed', (line) => {
    expect(formatCommand(parseCommand(line))).toBe(line);
  });

  test.each([
    ['fly', 'fly is no command'],
    ['start', 'end is missing'],
    ['start carol', 'carol is no end'],
    ['deliver alice->alice', 'alice->alice is neither a message nor a direction'],
    ['advance 5', '5 is no duration'],
    ['kme bob maybe', 'maybe is no answer'],
    ['option jitter much', 'jitter is not a number'],
    ['settle now', '"now" is too much'],
  ])('%s is refused', (line, reason) => {
    expect(() => parseCommand(line)).toThrow(`"${line}": ${reason}`);
  });

  test.each([
    ['deliver m1', 'm1 is not in flight'],
    ['deliver alice->bob', 'nothing is in flight alice->bob'],
    ['replay m1', 'there is no message m1'],
    ['fire alice NEXT_TRY', 'alice has no timer NEXT_TRY'],
    ['kme bob ok', 'bob waits for no KME'],
  ])('%s makes no sense before the start', (line, reason) => {
    expect(() => run(parse(line))).toThrow(`${line}: ${reason}`);
  });

  test('options after a start, and a second start, are refused', () => {
    expect(() => run(parse('start bob\noption protocol 1'))).toThrow('before the first start');
    expect(() => run(parse('start bob\nstart bob'))).toThrow('bob is up already');
  });
});

describe('transcripts', () => {
  test('a transcript is read and printed as it was', () => {
    const text = '# A story.\nstart bob\n----\nbob    start\n\n# Goes on.\nadvance 5s\n----\n';
    expect(formatTranscript(parseTranscript(text))).toBe(text);
  });

  test('the same commands give the same trace', () => {
    const traces = [1, 2].map(() => print(run(parse(AGREED)).trace));
    expect(traces[0]).toBe(traces[1]);
    expect(traces[0]?.split('\n').at(-1)).toMatch(/^alice {2}install +psk#1$/);
  });

  test('ends that can never agree are reported, with what happened', () => {
    const different = () => run(parse(`option psk bob other\n${AGREED}`));
    expect(different).toThrow('stabilize: the ends never agree');
    expect(different).toThrow('m1 unauthenticated');
  });
});

describe('a machine that breaks a rule is caught', () => {
  const UP = 'start alice\nstart bob\nadvance 0s\ndeliver m1\n';
  const DUE = `${AGREED}fire alice ROTATE_AFTER\n`;

  function runWith(overrides: Parameters<typeof linkMachine.provide>[0], text: string): void {
    const world = new World(linkMachine.provide(overrides));
    for (const command of parse(text)) world.apply(command);
  }

  test.each([
    [
      'S2 confirmed',
      'the responder takes any proof',
      { guards: { provesOurOffer: () => true } },
      `${UP}kme bob corrupts\ndeliver m2\nkme alice ok\ndeliver m3`,
    ],
    [
      'S2 confirmed',
      'the initiator commits without an answer',
      { guards: { isConfirmed: () => true } },
      `${UP}kme bob ok\ndeliver m2\nkme alice ok\nrefuse m3`,
    ],
    [
      'S4 single use',
      'a key that was lost is asked for again',
      { guards: { mayFetchAgain: () => true } },
      `${UP}kme bob ok\ndeliver m2\nkme alice loses\nadvance 1s`,
    ],
    [
      'S7 fail closed',
      'an old PSK does not expire',
      { delays: { MAX_KEY_AGE: 3_600_000 } },
      `${DUE}drop alice->bob\ncrash bob\nadvance 181s`,
    ],
    [
      'L2 no trap',
      'the end of an interval is not noticed',
      { guards: { isDue: () => false } },
      `${AGREED}advance 300s`,
    ],
  ])('%s: %s', (invariant, _, overrides, text) => {
    expect(() => runWith(overrides, text)).toThrow(InvariantBroken);
    expect(() => runWith(overrides, text)).toThrow(invariant);
    expect(() => runWith({}, text)).not.toThrow();
  });
});
