/**
 * The bytes in docs/protocol.md are those that the code sends.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Authenticator } from '../../src/peer/auth.ts';
import {
  formatHelloAnswer,
  formatHelloRequest,
  type HelloFacts,
} from '../../src/peer/hello-message.ts';
import {
  EFFECT,
  ENDPOINTS,
  formatAckRequest,
  formatConfirmation,
  formatError,
  formatNewRequest,
  formatOffer,
  formatReserveRequest,
  formatRotateRequest,
  HELLO,
  REFUSAL_STATUS,
  RESERVE,
  type SignedEndpoint,
} from '../../src/peer/messages.ts';
import { Secret } from '../../src/secret.ts';

const DOCUMENT = readFileSync('docs/protocol.md', 'utf8');
const [VECTOR] = JSON.parse(
  readFileSync('test/vectors/key-schedule-protocol-2.json', 'utf8'),
).vectors;
const [FIRST, SECOND] = VECTOR.steps;
const RESERVED = VECTOR.reserve;

interface Message {
  readonly start: string;
  readonly mac: string;
  readonly body: string;
}

/** The messages of the document, in its order. */
function messagesOf(document: string): readonly Message[] {
  return [
    ...document.matchAll(/```http\n(?<start>.*)\n[^`]*?MAC: (?<mac>\S+)\n\n(?<body>.*)\n```/g),
  ].map(({ groups }) => groups as unknown as Message);
}

function authenticator(localSaeId: string, remoteSaeId: string): Authenticator {
  return new Authenticator({ psk: Secret.fromUtf8(VECTOR.psk), localSaeId, remoteSaeId });
}

const FACTS: HelloFacts = {
  version: '0.1.0',
  intervalMs: 120_000,
  maxKeyAgeMs: 180_000,
  lookahead: 0,
  onExpiry: 'random',
  sinks: ['wireguard'],
};

const CONVERSATION = [
  {
    step: FIRST,
    endpoint: '/new',
    request: formatNewRequest({
      from: FIRST.initiator,
      to: FIRST.responder,
      exchange: FIRST.exchange,
    }),
    status: 200,
    answer: formatOffer({ ...FIRST, keyId: FIRST.key_ID }),
  },
  {
    step: FIRST,
    endpoint: '/ack',
    request: formatAckRequest({
      from: FIRST.initiator,
      to: FIRST.responder,
      exchange: FIRST.exchange,
      keyId: FIRST.key_ID,
      confirm: Buffer.from(FIRST.confirm_initiator, 'base64'),
    }),
    status: 200,
    answer: formatConfirmation({
      exchange: FIRST.exchange,
      confirm: Buffer.from(FIRST.confirm_responder, 'base64'),
    }),
  },
  {
    step: SECOND,
    endpoint: '/rotate',
    request: formatRotateRequest({
      ...SECOND,
      from: SECOND.initiator,
      to: SECOND.responder,
      reserved: [],
    }),
    status: 200,
    answer: formatOffer({ ...SECOND, keyId: SECOND.key_ID }),
  },
  {
    step: SECOND,
    endpoint: '/rotate',
    request: formatRotateRequest({
      from: SECOND.initiator,
      to: SECOND.responder,
      ...SECOND,
      epoch: 8,
      reserved: [],
    }),
    status: 409,
    answer: formatError('out_of_sync'),
  },
  {
    step: RESERVED,
    endpoint: '/reserve',
    request: formatReserveRequest({
      ...RESERVED,
      from: RESERVED.initiator,
      to: RESERVED.responder,
    }),
    status: 200,
    answer: formatOffer({ ...RESERVED, keyId: RESERVED.key_ID }),
  },
  {
    step: RESERVED,
    endpoint: '/ack',
    request: formatAckRequest({
      ...RESERVED,
      from: RESERVED.initiator,
      to: RESERVED.responder,
      keyId: RESERVED.key_ID,
      confirm: Buffer.from(RESERVED.confirm_initiator, 'base64'),
    }),
    status: 200,
    answer: formatConfirmation({
      exchange: RESERVED.exchange,
      confirm: Buffer.from(RESERVED.confirm_responder, 'base64'),
    }),
  },
  {
    step: SECOND,
    endpoint: '/rotate',
    request: formatRotateRequest({
      ...SECOND,
      from: SECOND.initiator,
      to: SECOND.responder,
      reserved: [RESERVED.key_ID],
    }),
    status: 200,
    answer: formatOffer({ ...SECOND, keyId: RESERVED.key_ID }),
  },
  {
    step: FIRST,
    endpoint: HELLO,
    request: formatHelloRequest({
      from: FIRST.initiator,
      to: FIRST.responder,
      nonce: 'd6a1c7fe-0f3b-4f0e-9d53-6f4a7b2c9e10',
      isDaemon: true,
      facts: FACTS,
    }),
    status: 200,
    answer: formatHelloAnswer({ ...FACTS, intervalMs: 60_000, maxKeyAgeMs: 90_000 }),
  },
] as const satisfies readonly { endpoint: SignedEndpoint; [key: string]: unknown }[];

describe('docs/protocol.md', () => {
  const messages = messagesOf(DOCUMENT);

  test('shows a request and an answer for each step of the conversation', () => {
    expect(messages).toHaveLength(2 * CONVERSATION.length);
  });

  test.each(CONVERSATION.map((call, index) => ({ index, ...call })))(
    'call $index, $endpoint: the bytes and the MACs are those of the code',
    ({ index, step, endpoint, request, status, answer }) => {
      const [asked, answered] = messages.slice(2 * index, 2 * index + 2);
      const signed = { method: 'POST', endpoint, body: request } as const;
      const mac = authenticator(step.initiator, step.responder).signRequest(signed);
      expect(asked).toEqual({ start: `POST ${endpoint} HTTP/1.1`, mac, body: String(request) });
      const answerMac = authenticator(step.responder, step.initiator).signAnswer({
        ...signed,
        body: answer,
        status,
        requestMac: mac,
      });
      expect(answered?.start).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(answered).toMatchObject({ mac: answerMac, body: String(answer) });
    },
  );

  test('lists every refusal with its status', () => {
    for (const [code, status] of Object.entries(REFUSAL_STATUS)) {
      expect(DOCUMENT).toMatch(new RegExp(`\\| \`${code}\` \\| ${status}\\b`));
    }
  });

  test('names every endpoint', () => {
    for (const endpoint of [...ENDPOINTS, RESERVE, EFFECT, HELLO])
      expect(DOCUMENT).toContain(`\`POST ${endpoint}\``);
  });
});
