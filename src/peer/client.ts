/**
 * Calls to a peer of protocol 2: signed requests, and answers that prove whose and for what they are.
 *
 * An answer counts only when its MAC is right, it parses and it is of the expected exchange; any
 * other is silence, whatever it says. Whether an offer fits the chain is the machine's to judge.
 *
 * Source: docs/protocol.md, "On the wire" and "Authentication".
 */
import { type Authenticator, MAC_HEADER } from './auth.ts';
import {
  type AckResult,
  type OfferResult,
  type PeerCaller,
  type Refused,
  readAnswer,
} from './caller.ts';
import { type HttpAnswer, PeerHttp, type PeerHttpInput, type Silence, silence } from './http.ts';
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

export interface PeerClientInput extends Omit<PeerHttpInput, 'keepAlive'> {
  readonly authenticator: Authenticator;
  readonly localSaeId: string;
  readonly remoteSaeId: string;
}

const UNAUTHENTICATED_HINT = 'is the psk the same at both ends, and this end allowed there?';
const OTHER_EXCHANGE = silence('the answer is for another exchange');

export class PeerClient implements PeerCaller {
  readonly #http: PeerHttp;
  readonly #authenticator: Authenticator;
  readonly #route: Route;

  /** @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files */
  constructor(input: PeerClientInput) {
    this.#http = new PeerHttp({ ...input, keepAlive: true });
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

  ack(
    call: { exchange: string; keyId: string; confirm: Buffer },
    signal: AbortSignal,
  ): Promise<AckResult> {
    const body = formatAckRequest({ ...this.#route, ...call });
    return this.#call('/ack', body, signal, (message) => {
      const { exchange, confirm } = parseConfirmation(message);
      return exchange === call.exchange ? { type: 'confirmed', confirm } : OTHER_EXCHANGE;
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
    const request = { method: 'POST', endpoint, body } as const;
    const requestMac = this.#authenticator.signRequest(request);
    const headers = { 'Content-Type': 'application/json', [MAC_HEADER]: requestMac };
    const answer = await this.#http.send({ ...request, headers }, signal);
    if (answer.type === 'silent') return answer;

    const proof = { ...request, body: answer.body, status: answer.status, requestMac };
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
