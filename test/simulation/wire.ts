/**
 * The bytes between the two ends, as an attacker sees them, and who has made which of them.
 *
 * The record of genuine messages is the simulation's own judge of what is authentic: it knows who
 * sent what and asks no MAC.
 */
import type { Call } from './end.ts';

export type EndName = 'alice' | 'bob';

export const END_NAMES = ['alice', 'bob'] as const satisfies readonly EndName[];

/** Alice's sorts first, so that she has precedence. */
export function saeIdOf(end: EndName): string {
  return `sae-${end}`;
}

export interface WireRequest {
  readonly from: EndName;
  readonly to: EndName;
  readonly method: string;
  readonly path: string;
  readonly mac: string | undefined;
  readonly body: Buffer;
}

export interface WireAnswer {
  readonly status: number;
  readonly mac: string | undefined;
  readonly body: Buffer;
}

/** A request on its way, and who waits for its answer. */
export interface Connection {
  readonly request: WireRequest;
  /** Null where it is the attacker's own connection and nobody waits. */
  readonly call: Call | null;
  /** For the trace. */
  readonly label: string;
}

/** A genuine answer with the request that it is for. */
export interface AnsweredRequest {
  readonly request: WireRequest;
  readonly answer: WireAnswer;
}

/** Everything genuine that ever went over the wire. */
export class WireRecord {
  readonly requests: WireRequest[] = [];
  readonly answers: AnsweredRequest[] = [];
  readonly #genuine = new Set<string>();

  noteRequest(request: WireRequest): void {
    this.requests.push(request);
    this.#genuine.add(requestKey(request));
  }

  noteAnswer(request: WireRequest, answer: WireAnswer): void {
    this.answers.push({ request, answer });
    this.#genuine.add(answerKey(request, answer));
  }

  /** True where the other end made this request, for this end. */
  isGenuineRequest(request: WireRequest): boolean {
    return this.#genuine.has(requestKey(request));
  }

  /** True where the end that was asked made this answer, for this very request. */
  isGenuineAnswer(request: WireRequest, answer: WireAnswer): boolean {
    return this.#genuine.has(answerKey(request, answer));
  }
}

function requestKey({ from, method, path, mac, body }: WireRequest): string {
  return `${from} ${method} ${path} ${mac} ${body.toString('latin1')}`;
}

function answerKey({ from, method, path, mac }: WireRequest, answer: WireAnswer): string {
  const { status, mac: ownMac, body } = answer;
  // The request is named by its MAC, as it is for the answer's own MAC.
  return `to ${from} ${method} ${path} ${mac} ${status} ${ownMac} ${body.toString('latin1')}`;
}
