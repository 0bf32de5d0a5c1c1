/**
 * Authentication of protocol 2's messages: a MAC over direction, method, endpoint and raw body.
 *
 * An answer's MAC covers its status and the MAC of its request as well, so that an answer proves
 * which request it is for. The endpoint is the canonical one and not the path of the URL: a reverse
 * proxy may strip a prefix. Knows no HTTP and decides nothing about a message that does not verify.
 *
 * Source: docs/protocol.md, "Authentication".
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { bytes32FromBase64 } from '../base64.ts';
import { authKey } from '../psk/auth-key.ts';
import { lp } from '../psk/framing.ts';
import type { Secret } from '../secret.ts';
import type { SignedEndpoint } from './messages.ts';

/** Header of the MAC: canonical base64 of 32 bytes. */
export const MAC_HEADER = 'X-quPSKd-MAC';

export interface RequestToAuthenticate {
  readonly method: string;
  readonly endpoint: SignedEndpoint;
  /** As sent, byte for byte; at most PEER_BODY_BYTES_MAX. */
  readonly body: Uint8Array;
}

export interface AnswerToAuthenticate extends RequestToAuthenticate {
  /** HTTP status. */
  readonly status: number;
  /** The verified, or own, MAC of the request that is answered. */
  readonly requestMac: string;
}

/** Signs what the local SAE sends to the remote one and verifies what comes back. */
export class Authenticator {
  readonly #sendKey: Secret;
  readonly #receiveKey: Secret;

  /** @param input - its psk is read here and not kept */
  constructor(input: AuthenticatorInput | DirectionKeys) {
    const { sendKey, receiveKey } = 'psk' in input ? keysOf(input) : input;
    this.#sendKey = sendKey;
    this.#receiveKey = receiveKey;
  }

  /** What the other end would sign and verify with. The keys are shared, also when they are wiped. */
  otherEnd(): Authenticator {
    return new Authenticator({ sendKey: this.#receiveKey, receiveKey: this.#sendKey });
  }

  /** @returns the value of MAC_HEADER */
  signRequest(request: RequestToAuthenticate): string {
    return macOf(this.#sendKey, requestFields(request)).toString('base64');
  }

  /** @param mac - value of MAC_HEADER as received, untrusted */
  verifyRequest(request: RequestToAuthenticate, mac: string | undefined): boolean {
    return matches(mac, macOf(this.#receiveKey, requestFields(request)));
  }

  /** @returns the value of MAC_HEADER */
  signAnswer(answer: AnswerToAuthenticate): string {
    return macOf(this.#sendKey, answerFields(answer)).toString('base64');
  }

  /** @param mac - value of MAC_HEADER as received, untrusted */
  verifyAnswer(answer: AnswerToAuthenticate, mac: string | undefined): boolean {
    return matches(mac, macOf(this.#receiveKey, answerFields(answer)));
  }

  /** Overwrites the keys; nothing can be signed or verified afterwards. */
  wipe(): void {
    this.#sendKey.wipe();
    this.#receiveKey.wipe();
  }
}

interface AuthenticatorInput {
  readonly psk: Secret;
  readonly localSaeId: string;
  readonly remoteSaeId: string;
}

/** One for each direction. */
interface DirectionKeys {
  readonly sendKey: Secret;
  readonly receiveKey: Secret;
}

function keysOf({ psk, localSaeId, remoteSaeId }: AuthenticatorInput): DirectionKeys {
  return {
    sendKey: authKey(psk, localSaeId, remoteSaeId),
    receiveKey: authKey(psk, remoteSaeId, localSaeId),
  };
}

type Fields = readonly (string | Uint8Array)[];

function requestFields({ method, endpoint, body }: RequestToAuthenticate): Fields {
  return ['request', method, endpoint, body];
}

function answerFields({
  method,
  endpoint,
  body,
  requestMac,
  status,
}: AnswerToAuthenticate): Fields {
  return ['answer', method, endpoint, body, Buffer.from(requestMac, 'base64'), String(status)];
}

function macOf(key: Secret, fields: Fields): Buffer {
  const hmac = createHmac('sha3-256', key.reveal());
  for (const field of fields) hmac.update(lp(field));
  return hmac.digest();
}

function matches(mac: string | undefined, expected: Buffer): boolean {
  const received = mac === undefined ? null : bytes32FromBase64(mac);
  return received !== null && timingSafeEqual(received, expected);
}
