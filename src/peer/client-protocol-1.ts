/**
 * Calls to a peer of protocol 1, the original's wire: GET, no identity, no authentication.
 *
 * The wire carries neither exchange nor epoch, so an offer is given those that were asked for.
 * Every call has a connection of its own, as the original's do: its `/ack` is not idempotent, and a
 * kept connection that the peer closes just then would leave unknown whether it was received.
 *
 * Source: docs/protocol.md, "Protocol 1".
 */
import type { HttpCaller } from '../http-call.ts';
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
import { type Endpoint, parseOffer1, parseOk1, refusalIn } from './messages.ts';

export class Protocol1Client implements PeerCaller {
  readonly #http: HttpCaller;

  /** @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files */
  constructor(peer: PeerAddress) {
    this.#http = httpCallerTo(peer, 'one each');
  }

  requestNew({ exchange }: { exchange: string }, signal: AbortSignal): Promise<OfferResult> {
    return this.#call('/new', signal, (message) => {
      const keyId = parseOffer1(message);
      return { type: 'offer', exchange, chain: exchange, epoch: 1, keyId };
    });
  }

  requestRotate(
    { exchange, chain, epoch }: { exchange: string; chain: string; epoch: number },
    signal: AbortSignal,
  ): Promise<OfferResult> {
    return this.#call('/rotate', signal, (message) => {
      const keyId = parseOffer1(message);
      return { type: 'offer', exchange, chain, epoch, keyId };
    });
  }

  /** Never called: a link of protocol 1 lays no keys by. */
  requestReserve(): Promise<OfferResult> {
    return Promise.resolve(silence('protocol 1 lays no keys by'));
  }

  ack(_call: object, signal: AbortSignal): Promise<AckResult> {
    return this.#call('/ack', signal, (message) => {
      parseOk1(message);
      return { type: 'confirmed', confirm: null };
    });
  }

  close(): void {
    this.#http.close();
  }

  /** @param read - as readAnswer takes it */
  async #call<T>(
    endpoint: Endpoint,
    signal: AbortSignal,
    read: (message: unknown) => T,
  ): Promise<T | Refused | Silence> {
    const answer = await this.#http.send({ method: 'GET', path: endpoint }, signal);
    if (answer.type !== 'answer') return silence(answer.reason);
    if (answer.status !== 200) {
      // A quPSKd of this code names why. The original knows 404 alone; that, and what a proxy says,
      // asks for nothing but another try.
      return { type: 'refused', code: refusalIn(answer.body) ?? 'busy' };
    }
    return readAnswer(answer.body, read);
  }
}
