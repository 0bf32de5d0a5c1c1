/**
 * Calls to a peer of protocol 2: signed requests, and answers that prove whose and for what they are.
 *
 * An answer counts only when its MAC is right, it parses and it is of the expected exchange; any
 * other is silence, whatever it says. Whether an offer fits the chain is the machine's to judge.
 *
 * Source: docs/protocol.md, "On the wire" and "Authentication".
 */
import type { HttpAnswer, HttpCaller } from '../http-call.ts';
import { type Authenticator, MAC_HEADER } from './auth.ts';
import {
  type AckResult,
  httpCallerTo,
  type OfferResult,
  type PeerAddress,
  type PeerCaller,
  type Refused,
  readAnswer,
  type Silence,
  silence,
} from './caller.ts';
import {
  type Endpoint,
  formatAckRequest,
  formatNewRequest,
  formatRotateRequest,
  parseConfirmation,
  parseOffer,
  type Route,
  refusalIn,
} from './messages.ts';

export interface Protocol2ClientInput extends PeerAddress {
  readonly authenticator: Authenticator;
  readonly localSaeId: string;
  readonly remoteSaeId: string;
}

const UNAUTHENTICATED_HINT = 'is the psk the same at both ends, and this end allowed there?';
const OTHER_EXCHANGE = silence('the answer is for another exchange');

export class Protocol2Client implements PeerCaller {
  readonly #http: HttpCaller;
  readonly #authenticator: Authenticator;
  readonly #route: Route;

  /** @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files */
  constructor(input: Protocol2ClientInput) {
    this.#http = httpCallerTo(input, 'kept');
    this.#authenticator = input.authenticator;
    this.#route = { from: input.localSaeId, to: input.remoteSaeId };
  }

  requestNew(call: { exchange: string }, signal: AbortSignal): Promise<OfferResult> {
    const body = formatNewRequest({ ...this.#route, ...call });
    return this.#requestOffer('/new', body, call.exchange, signal);
  }

  requestRotate(
    call: { exchange: string; chain: string; epoch: number },
    signal: AbortSignal,
  ): Promise<OfferResult> {
    const body = formatRotateRequest({ ...this.#route, ...call });
    return this.#requestOffer('/rotate', body, call.exchange, signal);
  }

  /** @throws Error for an ack without a confirmation: a bug of the caller */
  async ack(
    { exchange, keyId, confirm }: { exchange: string; keyId: string; confirm: Buffer | null },
    signal: AbortSignal,
  ): Promise<AckResult> {
    if (confirm === null) throw new Error('an ack of protocol 2 needs a confirmation');
    const body = formatAckRequest({ ...this.#route, exchange, keyId, confirm });
    return await this.#call('/ack', body, signal, (message) => {
      const answer = parseConfirmation(message);
      if (answer.exchange !== exchange) return OTHER_EXCHANGE;
      return { type: 'confirmed', confirm: answer.confirm };
    });
  }

  close(): void {
    this.#http.close();
  }

  #requestOffer(
    endpoint: Endpoint,
    body: Buffer,
    exchange: string,
    signal: AbortSignal,
  ): Promise<OfferResult> {
    return this.#call(endpoint, body, signal, (message) => {
      const offer = parseOffer(message);
      return offer.exchange === exchange ? { type: 'offer', ...offer } : OTHER_EXCHANGE;
    });
  }

  /** @param read - as readAnswer takes it */
  async #call<T>(
    endpoint: Endpoint,
    body: Buffer,
    signal: AbortSignal,
    read: (message: unknown) => T,
  ): Promise<T | Refused | Silence> {
    const method = 'POST';
    const requestMac = this.#authenticator.signRequest({ method, endpoint, body });
    const headers = { 'Content-Type': 'application/json', [MAC_HEADER]: requestMac };
    const answer = await this.#http.send({ method, path: endpoint, headers, body }, signal);
    if (answer.type !== 'answer') return silence(answer.reason);

    const proof = { method, endpoint, body: answer.body, status: answer.status, requestMac };
    if (!this.#authenticator.verifyAnswer(proof, answer.header(MAC_HEADER))) {
      return silence(describeUnproven(answer));
    }
    if (answer.status !== 200) {
      const code = refusalIn(answer.body);
      return code === null ? silence('the error answer is malformed') : { type: 'refused', code };
    }
    return readAnswer(answer.body, read);
  }
}

/** What an answer without proof says, as a hint for the operator: nothing is done because of it. */
function describeUnproven({ status, body }: HttpAnswer): string {
  const code = refusalIn(body);
  if (code === null) return `the peer answered ${status}, without proof of origin`;
  const said = `the peer says ${code}, without proof of origin`;
  return code === 'unauthenticated' ? `${said}: ${UNAUTHENTICATED_HINT}` : said;
}
