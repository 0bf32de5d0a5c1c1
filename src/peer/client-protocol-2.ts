/**
 * Calls to a peer of protocol 2: signed requests, and answers that prove whose and for what they are.
 *
 * An answer counts only when its MAC is right, it parses and it is of the expected exchange; any
 * other is silence, whatever it says. Whether an offer fits the chain is the machine's to judge.
 * A version without `/effect` cannot prove that it is one, and nothing depends on its being believed.
 *
 * Source: docs/protocol.md, "On the wire" and "Authentication".
 */
import type { HttpAnswer, HttpCaller } from '../http-call.ts';
import { type Authenticator, MAC_HEADER } from './auth.ts';
import {
  type AckResult,
  type EffectCaller,
  type EffectResult,
  type HelloCaller,
  type HelloName,
  type HelloResult,
  httpCallerTo,
  type OfferResult,
  type PeerAddress,
  type PeerCaller,
  type Refused,
  readAnswer,
  type Silence,
  silence,
  type Unproven,
} from './caller.ts';
import { type EffectNews, formatEffectRequest, parseEffectAnswer } from './effect-message.ts';
import { formatHelloRequest, type Hello, parseHelloAnswer } from './hello-message.ts';
import {
  EFFECT,
  ERROR_STATUS,
  type ExchangeEndpoint,
  formatAckRequest,
  formatNewRequest,
  formatReserveRequest,
  formatRotateRequest,
  HELLO,
  parseConfirmation,
  parseOffer,
  RESERVE,
  type Route,
  refusalIn,
  type SignedEndpoint,
} from './messages.ts';

export interface Protocol2ClientInput extends PeerAddress {
  readonly authenticator: Authenticator;
  readonly localSaeId: string;
  readonly remoteSaeId: string;
}

/** By refusal, or by the status of what is none. */
const HINTS: Readonly<Record<string | number, string>> = {
  unauthenticated: 'is the psk the same at both ends, and this end allowed there?',
  unknown_link: 'are the SAE IDs those of the other end, and the right way round?',
  405: 'does it speak protocol 1 there?',
};
const OTHER_EXCHANGE = silence('the answer is for another exchange');
const OTHER_PSK = silence('the answer is for another chain or epoch');

export class Protocol2Client implements PeerCaller, EffectCaller, HelloCaller {
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
    call: { exchange: string; chain: string; epoch: number; reserved: readonly string[] },
    signal: AbortSignal,
  ): Promise<OfferResult> {
    const body = formatRotateRequest({ ...this.#route, ...call });
    return this.#requestOffer('/rotate', body, call.exchange, signal);
  }

  requestReserve(
    call: { exchange: string; chain: string; epoch: number },
    signal: AbortSignal,
  ): Promise<OfferResult> {
    const body = formatReserveRequest({ ...this.#route, ...call });
    return this.#requestOffer(RESERVE, body, call.exchange, signal);
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

  tellEffect(news: EffectNews, signal: AbortSignal): Promise<EffectResult> {
    const body = formatEffectRequest({ ...this.#route, ...news });
    const read = (message: unknown): EffectResult => {
      const told = parseEffectAnswer(message);
      const isOfOther = told.chain !== news.chain || told.epoch !== news.epoch;
      return isOfOther ? OTHER_PSK : { type: 'told', ...told };
    };
    return this.#call<EffectResult>(EFFECT, body, signal, read, {
      readUnproven: unsupportedOrSilence,
    });
  }

  sayHello(hello: Hello, as: HelloName, signal: AbortSignal): Promise<HelloResult> {
    const { from, to } = this.#route;
    const isReversed = as === 'the other end';
    const route = isReversed ? { from: to, to: from } : this.#route;
    const authenticator = isReversed ? this.#authenticator.otherEnd() : this.#authenticator;
    const body = formatHelloRequest({ ...route, ...hello });
    const read = (message: unknown): HelloResult => ({
      type: 'told',
      facts: parseHelloAnswer(message),
    });
    const options = { authenticator, readUnproven };
    return this.#call<HelloResult>(HELLO, body, signal, read, options);
  }

  close(): void {
    this.#http.close();
  }

  #requestOffer(
    endpoint: ExchangeEndpoint,
    body: Buffer,
    exchange: string,
    signal: AbortSignal,
  ): Promise<OfferResult> {
    return this.#call(endpoint, body, signal, (message) => {
      const offer = parseOffer(message);
      return offer.exchange === exchange ? { type: 'offer', ...offer } : OTHER_EXCHANGE;
    });
  }

  /**
   * @param read - as readAnswer takes it
   * @param options.readUnproven - what to make of an answer that anybody may have sent
   */
  async #call<T>(
    endpoint: SignedEndpoint,
    body: Buffer,
    signal: AbortSignal,
    read: (message: unknown) => T,
    {
      readUnproven = describeUnproven,
      authenticator = this.#authenticator,
    }: {
      readonly readUnproven?: (answer: HttpAnswer) => T | Silence;
      readonly authenticator?: Authenticator;
    } = {},
  ): Promise<T | Refused | Silence> {
    const method = 'POST';
    const requestMac = authenticator.signRequest({ method, endpoint, body });
    const headers = { 'Content-Type': 'application/json', [MAC_HEADER]: requestMac };
    const answer = await this.#http.send({ method, path: endpoint, headers, body }, signal);
    if (answer.type !== 'answer') return silence(answer.reason);

    const proof = { method, endpoint, body: answer.body, status: answer.status, requestMac };
    if (!authenticator.verifyAnswer(proof, answer.header(MAC_HEADER))) {
      return readUnproven(answer);
    }
    if (answer.status !== 200) {
      const code = refusalIn(answer.body);
      return code === null ? silence('the error answer is malformed') : { type: 'refused', code };
    }
    return readAnswer(answer.body, read);
  }
}

/** What an answer without proof says, as a hint for the operator: nothing is done because of it. */
function describeUnproven(answer: HttpAnswer): Silence {
  return silence(readUnproven(answer).reason);
}

function readUnproven({ status, body }: HttpAnswer): Unproven {
  const code = refusalIn(body);
  const said = code === null ? `the peer answered ${status}` : `the peer says ${code}`;
  const hint = HINTS[code ?? status];
  const reason = `${said}, without proof of origin${hint === undefined ? '' : `: ${hint}`}`;
  return { type: 'unproven', status, code, reason };
}

/** No path, no link, no MAC: a version that does not know the endpoint. */
function unsupportedOrSilence(answer: HttpAnswer): EffectResult {
  const { status, code, reason } = readUnproven(answer);
  const isUnknownPath = status === ERROR_STATUS.not_found && code === null;
  return isUnknownPath ? { type: 'unsupported' } : silence(reason);
}
