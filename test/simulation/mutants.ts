/**
 * Ends with one fault each, to show that the judges notice.
 *
 * Each is what a plausible slip would make of the machine, the authentication or the keyring.
 */
import { assign } from 'xstate';
import { advanceChain } from '../../machines/link.assigns.ts';
import { linkMachine } from '../../machines/link.ts';
import type { LinkContext } from '../../machines/link.types.ts';
import { Authenticator } from '../../src/peer/auth.ts';
import { Keyring, type Verdict } from '../../src/psk/keyring.ts';
import { Secret } from '../../src/secret.ts';
import { type Parts, PRODUCTION_PARTS } from './options.ts';

type Answer = Parameters<Authenticator['verifyAnswer']>[0];

class CredulousAuthenticator extends Authenticator {
  override verifyRequest(): boolean {
    return true;
  }
}

/** An answer proves who made it and not which request it is for. */
class UnboundAuthenticator extends Authenticator {
  override signAnswer(answer: Answer): string {
    return super.signAnswer({ ...answer, requestMac: '' });
  }

  override verifyAnswer(answer: Answer, mac: string | undefined): boolean {
    return super.verifyAnswer({ ...answer, requestMac: '' }, mac);
  }
}

/** The sinks get something else than what was agreed. */
class GarblingKeyring extends Keyring {
  override commit(exchange: string): Secret {
    return new Secret(Buffer.from(super.commit(exchange).reveal()).reverse());
  }
}

class UnwipedKeyring extends Keyring {
  override wipe(): void {}
}

class UndisposedKeyring extends Keyring {
  override dispose(): void {}
}

class HoardingKeyring extends Keyring {
  override keepReserved(): void {}
}

class CredulousKeyring extends Keyring {
  override verify(): Verdict {
    return 'valid';
  }
}

const withMachine = (machine: typeof linkMachine): Parts => ({ ...PRODUCTION_PARTS, machine });

/** By what is wrong with them; the pattern is that of the judgement that must come. */
export const MUTANTS: Readonly<Record<string, { readonly parts: Parts; readonly caught: RegExp }>> =
  {
    'the sinks get another PSK than was agreed': {
      parts: { ...PRODUCTION_PARTS, Keyring: GarblingKeyring },
      caught: /^S1 agreement/,
    },
    'an epoch is counted twice': {
      parts: withMachine(
        linkMachine.provide({
          actions: {
            advanceChain: assign((step: { context: LinkContext }) => {
              const { chain = null, ...advanced } = advanceChain(step);
              return { ...advanced, chain: chain && { ...chain, epoch: 1 } };
            }),
          },
        }),
      ),
      caught: /^S5 monotone/,
    },
    'the responder commits without a proof': {
      parts: withMachine(
        linkMachine.provide({
          guards: {
            provesOurOffer: ({ context, event }) =>
              event.type === 'peer.acked' && event.exchange === context.exchange?.id,
          },
        }),
      ),
      caught: /^S2 confirmed/,
    },
    'the initiator commits without an answer': {
      parts: withMachine(
        linkMachine.provide({ guards: { isConfirmed: (_, { type }) => type !== 'refused' } }),
      ),
      caught: /^S2 confirmed/,
    },
    'the initiator gives up an ack that has no answer': {
      parts: withMachine(
        linkMachine.provide({ guards: { isAckDenied: (_, { type }) => type !== 'confirmed' } }),
      ),
      caught: /^S3 one step/,
    },
    'the initiator asks a KME again for a key that was lost': {
      parts: withMachine(
        linkMachine.provide({
          guards: {
            mayFetchAgain: ({ context }, { type }) => type === 'lost' && context.tries < 5,
          },
        }),
      ),
      caught: /^S4 single use/,
    },
    'an agreed PSK does not expire': {
      parts: withMachine(linkMachine.provide({ delays: { MAX_KEY_AGE: 86_400_000 } })),
      caught: /^S7 fail closed/,
    },
    'a try that failed is repeated after ten minutes': {
      parts: withMachine(linkMachine.provide({ delays: { NEXT_TRY: 600_000 } })),
      caught: /^L1 convergence/,
    },
    'requests need no MAC': {
      parts: { ...PRODUCTION_PARTS, Authenticator: CredulousAuthenticator },
      caught: /^S6 authentic/,
    },
    'an answer fits every request': {
      parts: { ...PRODUCTION_PARTS, Authenticator: UnboundAuthenticator },
      caught: /^S6 authentic/,
    },
    'a keyring does not wipe a candidate': {
      parts: { ...PRODUCTION_PARTS, Keyring: UnwipedKeyring },
      caught: /^hygiene: .* still holds/,
    },
    'a keyring is not disposed of': {
      parts: { ...PRODUCTION_PARTS, Keyring: UndisposedKeyring },
      caught: /^hygiene: .* stops with/,
    },
    'a keyring drops nothing that is laid by': {
      parts: { ...PRODUCTION_PARTS, Keyring: HoardingKeyring },
      caught: /^hygiene: .* other keys laid by/,
    },
    'a key that has grown too old is still named': {
      parts: withMachine(linkMachine.provide({ actions: { removeReserved: assign(() => ({})) } })),
      caught: /^hygiene: .* other keys laid by/,
    },
    'a keyring takes every confirmation': {
      parts: { ...PRODUCTION_PARTS, Keyring: CredulousKeyring },
      caught: /^S2 confirmed/,
    },
  };
