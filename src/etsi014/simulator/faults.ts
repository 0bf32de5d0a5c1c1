/**
 * The faults that a simulated KME can commit, as one table, and the two ways to write them down: a
 * text for the command line and the same words as JSON for the control endpoint.
 *
 * Pure: what is active is kept by fault-plan.ts, what is done about it by fault-engine.ts, and by
 * standing-faults.ts where it is about no request.
 */
import * as z from 'zod';
import { QupskdError } from '../../errors.ts';

/** The methods of the key delivery API, by the last part of their paths (clauses 5.2 to 5.4). */
export const METHODS = ['status', 'enc', 'dec'] as const;
export type Method = (typeof METHODS)[number];

const DURATION_MS_MAX = 3_600_000;
const RETRY_AFTER_S_MAX = 86_400;
const COUNT_MAX = 1_000_000_000;
const KEY_BITS_MAX = 4_096;

const MS = z.int().min(0).max(DURATION_MS_MAX);
const RETRY_AFTER_S = z.int().min(0).max(RETRY_AFTER_S_MAX);
const COUNT = z.int().min(1).max(COUNT_MAX);
const NOTHING = z.literal(true);
/** What looks like a number on the command line may be a name. */
const KME_ID = z.union([z.string().min(1), z.number().transform(String)]);

const MODIFIERS = {
  method: {
    takes: z.enum(METHODS),
    shape: METHODS.join('|'),
    help: 'only requests of this method',
  },
  kme: { takes: KME_ID, shape: 'ID', help: 'only at the KME of this ID' },
  count: { takes: COUNT, shape: 'N', help: 'only the next N requests that it is about' },
  probability: {
    takes: z.number().positive().max(1),
    shape: 'P',
    help: 'only with this probability, up to 1, by --seed',
  },
  jitter: { takes: MS, shape: 'MS', help: 'delay, lag: up to so much longer' },
  'retry-after': { takes: RETRY_AFTER_S, shape: 'SECONDS', help: 'status: say so in Retry-After' },
} as const;
type Modifier = keyof typeof MODIFIERS;

const PER_REQUEST = ['method', 'kme', 'count', 'probability'] as const;
const EITHER_KEY = ['enc', 'dec'] as const;

/** Of a fault that is about no request, and holds as long as it is active. */
const STANDING = { methods: [], modifiers: ['kme'] } as const;

interface KindRow {
  /** The value behind `=`, and how the help names it: null where there is none. */
  readonly takes: z.ZodType<number | true>;
  readonly shape: string | null;
  /** The methods that it can be about. */
  readonly methods: readonly Method[];
  readonly modifiers: readonly Modifier[];
  readonly help: string;
}

/** A fault of a request, which takes nothing, at any method; a row says what is different. */
function row(help: string, change: Partial<KindRow> = {}): KindRow {
  const usual = { takes: NOTHING, shape: null, methods: METHODS, modifiers: PER_REQUEST };
  return { ...usual, ...change, help };
}

const KIND_ROWS = {
  delay: row('wait before anything is done', {
    takes: MS,
    shape: 'MS',
    modifiers: [...PER_REQUEST, 'jitter'],
  }),
  stall: row('take the request, and never answer'),
  reset: row('reset the connection; with TLS: close it without a word'),
  status: row('answer this status, from 400 to 599', {
    takes: z.int().min(400).max(599),
    shape: 'CODE',
    modifiers: [...PER_REQUEST, 'retry-after'],
  }),
  garbage: row('answer 200 with what is not JSON'),
  html: row('answer 200 with a page in HTML, as a proxy might'),
  'not-found': row('the keys asked for are not found', { methods: ['dec'] }),
  'not-found-first': row('a key_ID is not found by its first N requests', {
    takes: COUNT,
    shape: 'N',
    methods: ['dec'],
  }),
  lag: row('synchronisation: a key can be had by its key_ID only after so long', {
    takes: MS,
    shape: 'MS',
    methods: ['enc'],
    modifiers: [...PER_REQUEST, 'jitter'],
  }),
  'wrong-length': row('keys of so many bits, a multiple of 8', {
    takes: z.int().min(0).max(KEY_BITS_MAX).multipleOf(8),
    shape: 'BITS',
    methods: EITHER_KEY,
  }),
  'wrong-id': row('keys under another key_ID', { methods: EITHER_KEY }),
  half: row('announce the whole answer, send half of it, and close'),
  drop: row('deliver, so that the key is gone, and close unanswered', { methods: EITHER_KEY }),
  'expired-certificate': row('serve a certificate that has expired: needs --ca-key', STANDING),
  'max-key-count': row('a pool holds so many keys at most', {
    ...STANDING,
    takes: z.int().min(0).max(COUNT_MAX),
    shape: 'N',
  }),
  'refill-rate': row('a pool gains so many keys a second, such as 0.06', {
    ...STANDING,
    takes: z.number().min(0).max(COUNT_MAX),
    shape: 'N',
  }),
} as const satisfies Readonly<Record<string, KindRow>>;
export type Kind = keyof typeof KIND_ROWS;

const KINDS: Readonly<Record<Kind, KindRow>> = KIND_ROWS;
const KIND_NAMES = Object.keys(KINDS) as Kind[];

type Modifiers = { readonly [M in Modifier]?: z.output<(typeof MODIFIERS)[M]['takes']> };

export interface Fault {
  readonly kind: Kind;
  /** Of the kind: milliseconds, a status, bits or a count; true for a kind that takes nothing. */
  readonly value: number | true;
  readonly modifiers: Modifiers;
}

/** True where a fault of this kind can be about a method. */
export function isAbout(kind: Kind, method: Method): boolean {
  return KINDS[kind].methods.includes(method);
}

/**
 * Reads a fault as the command line has it: `status=503,retry-after=2,method=enc,count=3`.
 *
 * @param text - the fault and what limits it, in any order
 * @throws QupskdError `ERR_CONFIG_INVALID`
 */
export function parseFaultText(text: string): Fault {
  const words = text.split(',').map((word): [string, unknown] => {
    const at = word.indexOf('=');
    return at === -1 ? [word, true] : [word.slice(0, at), numberIn(word.slice(at + 1))];
  });
  const names = new Set(words.map(([name]) => name));
  if (names.size < words.length) throw invalid('a word stands twice');
  return parseFault(Object.fromEntries(words));
}

/**
 * Reads a fault as the control endpoint has it: `{"status": 503, "method": "enc", "count": 3}`.
 *
 * @param input - decoded JSON, untrusted
 * @throws QupskdError `ERR_CONFIG_INVALID`
 */
export function parseFault(input: unknown): Fault {
  const given = typeof input === 'object' && input !== null ? Object.keys(input) : [];
  const [kind, ...others] = KIND_NAMES.filter((name) => given.includes(name));
  if (kind === undefined || others.length > 0) {
    throw invalid(`it must name one of ${KIND_NAMES.join(', ')}`);
  }
  const { takes, methods, modifiers: allowed } = KINDS[kind];
  const shape = Object.fromEntries(allowed.map((name) => [name, MODIFIERS[name].takes.optional()]));
  const { data, error } = z.strictObject({ ...shape, [kind]: takes }).safeParse(input);
  if (error !== undefined) {
    const [issue] = error.issues;
    throw invalid(`${issue?.path.join('.') || kind}: ${issue?.message}`);
  }
  const { [kind]: value, ...modifiers } = data as Modifiers & Record<Kind, number | true>;
  if (modifiers.method !== undefined && !methods.includes(modifiers.method)) {
    throw invalid(`${kind} is about ${methods.join(' and ')} only`);
  }
  return { kind, value, modifiers };
}

/** The JSON that parseFault reads. */
export function printFault({ kind, value, modifiers }: Fault): Readonly<Record<string, unknown>> {
  return { [kind]: value, ...modifiers };
}

/** The table as lines of a help text. */
export function describeFaults(): string {
  const lineOf = (name: string, shape: string | null, help: string): string =>
    `  ${(shape === null ? name : `${name}=${shape}`).padEnd(26)}${help}`;
  return [
    ...KIND_NAMES.map((name) => lineOf(name, KINDS[name].shape, KINDS[name].help)),
    '  and behind it, each after a comma:',
    ...Object.entries(MODIFIERS).map(([name, { shape, help }]) => lineOf(name, shape, help)),
  ].join('\n');
}

function numberIn(text: string): number | string {
  return /^\d{1,12}(\.\d{1,12})?$/.test(text) ? Number(text) : text;
}

function invalid(reason: string): QupskdError {
  const remedy = 'See `qkd-simulator --help`.';
  return new QupskdError('ERR_CONFIG_INVALID', `The fault cannot be used: ${reason}.`, remedy);
}
