/**
 * What one process simulates: one KME, or two with the link between them, and the faults that all
 * of them have from one plan.
 *
 * With a partner, a KME tells it of each key that it delivers to a master SAE: in this process by a
 * call, in another one through an outbox.
 */
import type { TlsConfig } from '../../config/types.ts';
import { QupskdError } from '../../errors.ts';
import { readTls } from '../../tls.ts';
import type { Pem } from './authority.ts';
import { FaultPlan } from './fault-plan.ts';
import type { Fault, Kind } from './faults.ts';
import type { Outbox } from './outbox.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from './server.ts';
import type { ToldKey } from './store.ts';

type Tell = (keys: readonly ToldKey[]) => void;

/** The KME at the other end of the link, in this process. */
export interface PartnerHere {
  readonly type: 'here';
  readonly kmeId: string;
  readonly tls: TlsConfig | null;
}

/** The KME at the other end of the link, in another process. */
export interface PartnerAway {
  readonly type: 'away';
  readonly kmeId: string;
  /** Base URL of its API. */
  readonly url: string;
  /** Told once when it cannot be told of keys, with the reason; with null when it can again. */
  readonly onTrouble: (reason: string | null) => void;
}

export interface TestbedOptions {
  /** The first KME. */
  readonly kme: Pick<SimulatorOptions, 'stateless' | 'store' | 'dialect'> & {
    readonly kmeId: string;
    readonly tls: TlsConfig | null;
  };
  /** Null: the one KME stands for both ends. */
  readonly partner: PartnerHere | PartnerAway | null;
  /** Of chance, for faults with a probability. */
  readonly seed: string;
  /** File with the private key of the CA in `tls.cacert`, which signs a certificate in the past. */
  readonly caKey: string | null;
  /** Addresses or names at which the KMEs serve. */
  readonly hosts: readonly string[];
}

export interface Testbed {
  readonly plan: FaultPlan;
  readonly kmes: readonly [first: Simulator, ...second: Simulator[]];
  /** Towards a partner in another process. */
  readonly outbox: Outbox | null;
  /**
   * Makes a fault active.
   *
   * @throws QupskdError `ERR_CONFIG_INVALID` for one that these KMEs cannot commit
   */
  addFault(fault: Fault): void;
  /** Ends at once. */
  close(): Promise<void>;
}

/** They need keys that are stored, and not derived. */
const STORE_FAULTS: readonly Kind[] = ['lag', 'max-key-count', 'refill-rate'];

/** An expired certificate ended a day ago. */
const EXPIRED_DAYS = -1;

/**
 * Makes the KMEs; they serve when told to listen.
 *
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files
 */
export async function createTestbed(options: TestbedOptions): Promise<Testbed> {
  const { kme, partner } = options;
  const plan = new FaultPlan(options.seed);
  const make = async (part: Partial<SimulatorOptions>, tell?: Tell): Promise<Simulator> => {
    const whole = { ...kme, ...part, plan };
    const expired = await expiredCertificate(whole.kmeId, options);
    return createSimulator({ ...whole, expired, store: { ...kme.store, ...(tell && { tell }) } });
  };
  if (partner === null) return testbedOf(options, plan, [await make({})]);

  if (partner.type === 'away') {
    // Loaded only where it is used, with the HTTP client and what that brings.
    const { Outbox } = await import('./outbox.ts');
    const outbox = new Outbox({ ...partner, partnerKmeId: partner.kmeId, tls: kme.tls });
    const part = { partnerKmeId: partner.kmeId, listensToPartner: true };
    const only = await make(part, (keys) => outbox.tell(keys));
    return testbedOf(options, plan, [only], outbox);
  }
  const first = await make({ partnerKmeId: partner.kmeId }, (keys) => second.learn(keys));
  const second: Simulator = await make(
    { kmeId: partner.kmeId, partnerKmeId: kme.kmeId, tls: partner.tls },
    (keys) => first.learn(keys),
  );
  return testbedOf(options, plan, [first, second]);
}

function testbedOf(
  options: TestbedOptions,
  plan: FaultPlan,
  kmes: Testbed['kmes'],
  outbox: Outbox | null = null,
): Testbed {
  return {
    plan,
    kmes,
    outbox,
    addFault(fault) {
      const problem = problemOf(fault, options, kmes);
      if (problem !== null) {
        const message = `The fault ${fault.kind} cannot be committed: ${problem}.`;
        throw new QupskdError('ERR_CONFIG_INVALID', message, 'See `qkd-simulator --help`.');
      }
      plan.add(fault);
    },
    async close() {
      outbox?.close();
      await Promise.all(kmes.map((kme) => kme.close()));
    },
  };
}

/** Why these KMEs cannot commit a fault; null where they can. */
function problemOf(
  { kind, modifiers: { kme } }: Fault,
  options: TestbedOptions,
  kmes: Testbed['kmes'],
): string | null {
  const kmeIds = kmes.map(({ kmeId }) => kmeId);
  if (kme !== undefined && !kmeIds.includes(kme)) return `kme is ${kmeIds.join(' or ')} here`;
  if (kind === 'expired-certificate' && options.caKey === null) return 'it needs --ca-key';
  const needsStore = STORE_FAULTS.includes(kind);
  if (needsStore && options.kme.stateless) return 'with --stateless no key is stored';
  return null;
}

/** A certificate of a KME that the CA has signed, and that has ended; null without the CA's key. */
async function expiredCertificate(
  kmeId: string,
  { kme, caKey, hosts }: TestbedOptions,
): Promise<Pem | null> {
  if (caKey === null) return null;
  const { signLeaf, validFor } = await import('./authority.ts');
  const { cert, key } = readTls(
    { cacert: null, cert: kme.tls?.cacert ?? null, key: caKey },
    'the CA of the simulated KME',
  );
  const ca = { cert: String(cert), key: String(key) };
  return await signLeaf(ca, { name: kmeId, hosts, validity: validFor(EXPIRED_DAYS) });
}
