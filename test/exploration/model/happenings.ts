/**
 * What can happen to an end without a message, each with the number that its steps are kept under,
 * and the bound that counts it.
 */
import type { Counted } from './budget.ts';
import type { EndIndex } from './product.ts';
import type { Stirring } from './steps.ts';
import type { KmeAnswer } from './stimuli.ts';

export type MoveKind =
  | 'start'
  | 'crash'
  | 'fire'
  | 'draw'
  | 'kme'
  | 'take'
  | 'age'
  | 'sink'
  | 'forge'
  | 'deliver'
  | 'duplicate'
  | 'drop'
  | 'refuse';

export interface Happening extends Stirring {
  readonly kind: MoveKind;
  /** The timer, the answer of the KME, whether the sink works, what is forged; else empty. */
  readonly detail: string;
  /** null where it is no fault and takes nothing that is bounded. */
  readonly counted: Counted | null;
}

const FREE = { detail: '', counted: null } as const;

export const START: Happening = { ...FREE, kind: 'start', code: 0, stimulus: { type: 'start' } };

export const CRASH: Happening = {
  ...FREE,
  kind: 'crash',
  code: 1,
  stimulus: { type: 'crash' },
  counted: 'crashes',
};

const DRAW = { ...FREE, kind: 'draw', code: 2, stimulus: { type: 'draw' } } as const;

/** An exchange id is drawn, by each end. */
export const DRAWS: Readonly<Record<EndIndex, Happening>> = [
  { ...DRAW, counted: 'drawnByAlice' },
  { ...DRAW, counted: 'drawnByBob' },
];

/** The call to the peer ends without an answer; which move that is depends on why. */
export const SILENCE: Stirring = { code: 3, stimulus: { type: 'silence' } };

export const SINK_FAILS: Happening = {
  kind: 'sink',
  detail: 'fails',
  code: 4,
  stimulus: { type: 'sink', works: false },
  counted: 'sinkFaults',
};

export const SINK_WORKS: Happening = {
  ...FREE,
  kind: 'sink',
  detail: 'works',
  code: 5,
  stimulus: { type: 'sink', works: true },
};

const ANSWER_CODES: Readonly<Record<KmeAnswer, number>> = {
  delivers: 6,
  'delivers-odd': 7,
  'delivers-not': 8,
  refuses: 9,
  loses: 10,
};

const kmeAnswer = (answer: KmeAnswer): Happening => ({
  ...FREE,
  kind: 'kme',
  detail: answer,
  code: ANSWER_CODES[answer],
  stimulus: { type: 'kme', answer },
});

/** The KME answers as it should. */
export const KME_ANSWERS: Readonly<Record<KmeAnswer, Happening>> = {
  delivers: kmeAnswer('delivers'),
  'delivers-odd': kmeAnswer('delivers-odd'),
  'delivers-not': kmeAnswer('delivers-not'),
  refuses: kmeAnswer('refuses'),
  loses: kmeAnswer('loses'),
};

/** The KME answers otherwise. */
const kmeFault = (answer: KmeAnswer): Happening => ({
  ...KME_ANSWERS[answer],
  counted: 'kmeFaults',
});

export const KME_FAULTS: Readonly<Record<'key' | 'new-key', readonly Happening[]>> = {
  // Whatever else happens to a key that a master SAE asks for, nobody has heard of it.
  'new-key': [kmeFault('delivers-not'), kmeFault('refuses')],
  key: [kmeFault('delivers-not'), kmeFault('refuses'), kmeFault('loses'), kmeFault('delivers-odd')],
};

const FIRST_FORGERY_CODE = 11;

/** Somebody without the psk of the link sends a request. */
export const FORGERIES: readonly Happening[] = (
  ['/new', '/rotate', '/reserve', '/ack'] as const
).map((endpoint, i) => ({
  ...FREE,
  kind: 'forge',
  detail: endpoint,
  code: FIRST_FORGERY_CODE + i,
  stimulus: { type: 'forged', endpoint },
}));

const FIRST_AGED_CODE = FIRST_FORGERY_CODE + FORGERIES.length;

/** Keys that are laid by at one end, at most. */
export const LAID_BY_MAX = 3;

/** A key laid by grows too old, by its place. */
export const AGED: readonly Happening[] = Array.from({ length: LAID_BY_MAX }, (_, place) => ({
  kind: 'age',
  detail: String(place),
  code: FIRST_AGED_CODE + place,
  stimulus: { type: 'aged', place },
  counted: 'ages',
}));

/** What was laid by is taken: this end's call for a key ends by itself. */
export const TAKEN = {
  same: { ...KME_ANSWERS.delivers, kind: 'take' },
  odd: { ...KME_ANSWERS['delivers-odd'], kind: 'take' },
} as const satisfies Readonly<Record<string, Happening>>;

const FIRST_TIMER_CODE = FIRST_AGED_CODE + LAID_BY_MAX;

/** The timers of an end fire, in the order of their places. */
export const firingsOf = (timers: readonly string[]): readonly Happening[] =>
  timers.map((timer, place) => ({
    ...FREE,
    kind: 'fire',
    detail: timer,
    code: FIRST_TIMER_CODE + place,
    stimulus: { type: 'fire', timer },
  }));
