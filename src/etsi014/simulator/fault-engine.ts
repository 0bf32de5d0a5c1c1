/**
 * What a fault does to a request: the one place where such faults are committed.
 *
 * It is asked at four points of a request's way (arrival, search for keys, delivery, answer) and
 * asks the plan there whether a fault is due.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import type { FaultPlan } from './fault-plan.ts';
import type { Fault, Kind, Method } from './faults.ts';
import { KeyIdCounter } from './key-id-counter.ts';
import type { IssuedKey } from './store.ts';
import { Refusal } from './wire.ts';

const BITS_PER_BYTE = 8;

/** The messages that the standard words for a status (clauses 5.2 to 5.4). */
const MESSAGES: Readonly<Record<number, string>> = {
  400: 'Bad request format',
  401: 'Unauthorized',
  503: 'Error on server side',
};

const NO_JSON = '{"keys":[{"key_ID":"';
const PAGE = '<!DOCTYPE html>\n<html><body><h1>Welcome</h1></body></html>\n';

export interface FaultEngineOptions {
  readonly plan: FaultPlan;
  readonly kmeId: string;
  /** Breaks off what waits. */
  readonly closing: AbortSignal;
}

export class FaultEngine {
  readonly #options: FaultEngineOptions;
  readonly #requestsByKeyId = new KeyIdCounter();

  constructor(options: FaultEngineOptions) {
    this.#options = options;
  }

  /** Stands before everything else that is done about a request. */
  onArrival(methodOf: (request: Request) => Method | null): RequestHandler {
    const { plan, kmeId, closing } = this.#options;
    return async (request, response, next) => {
      const method = methodOf(request);
      // Who keeps a connection would not see the certificate.
      if (plan.standing('expired-certificate', kmeId) !== null) response.set('Connection', 'close');
      const slow = this.#draw('delay', method);
      // Closing breaks the wait off; the connection is gone then, and nobody waits for an answer.
      if (slow !== null) await delay(plan.durationMs(slow), null, { signal: closing });
      if (this.#draw('stall', method) !== null) return;
      if (this.#draw('reset', method) !== null) {
        reset(request.socket);
        return;
      }
      const refused = this.#draw('status', method);
      if (refused !== null) throw refusalBy(refused, response);
      if (this.#draw('garbage', method) !== null) response.type('json').send(NO_JSON);
      else if (this.#draw('html', method) !== null) response.type('html').send(PAGE);
      else next();
    };
  }

  /** True where these key_IDs are to be as good as unknown. */
  hides(keyIds: readonly string[]): boolean {
    const first = this.#draw('not-found-first', 'dec');
    // Every request counts for its key_ID, whatever becomes of it.
    const early = keyIds.filter(
      (keyId) => this.#requestsByKeyId.next(keyId) < Number(first?.value),
    );
    return this.#draw('not-found', 'dec') !== null || early.length > 0;
  }

  /** How long the keys of a Get key cannot be had by their key_IDs. */
  lagMs(): number {
    const lag = this.#draw('lag', 'enc');
    return lag === null ? 0 : this.#options.plan.durationMs(lag);
  }

  /** What becomes of keys on their way into an answer. */
  onDelivery(method: Method, keys: readonly IssuedKey[]): readonly IssuedKey[] {
    const resized = this.#draw('wrong-length', method);
    const renamed = this.#draw('wrong-id', method);
    return keys.map(({ keyId, key }) => ({
      keyId: renamed === null ? keyId : randomUUID(),
      key: resized === null ? key : randomBytes(Number(resized.value) / BITS_PER_BYTE),
    }));
  }

  /** Sends an answer of status 200. */
  answer(method: Method, response: Response, body: unknown): void {
    if (this.#draw('drop', method) !== null) response.destroy();
    else if (this.#draw('half', method) !== null) sendHalf(response, JSON.stringify(body));
    else response.json(body);
  }

  #draw(kind: Kind, method: Method | null): Fault | null {
    const { plan, kmeId } = this.#options;
    return plan.draw(kind, { kmeId, method });
  }
}

function refusalBy({ value, modifiers }: Fault, response: Response): Refusal {
  const status = Number(value);
  const retryAfterS = modifiers['retry-after'];
  if (retryAfterS !== undefined) response.set('Retry-After', String(retryAfterS));
  return new Refusal(status, MESSAGES[status] ?? STATUS_CODES[status] ?? 'Refused');
}

function reset(socket: Socket): void {
  // Only a bare TCP socket can be reset; below TLS it is out of reach.
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

function sendHalf(response: Response, text: string): void {
  const body = Buffer.from(text);
  response.type('json').set('Content-Length', String(body.length));
  response.write(body.subarray(0, body.length / 2), () => response.destroy());
}
