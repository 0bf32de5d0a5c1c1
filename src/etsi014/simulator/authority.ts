/**
 * A certification authority for trials: makes its own certificate, and signs for KMEs and SAEs.
 *
 * Knows PEM texts and no file. The only user of `selfsigned`.
 */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { generate } from 'selfsigned';

const SIGNATURE = { algorithm: 'sha256', keyType: 'ec' } as const;

/** By how much the clocks of two machines may differ. */
const CLOCK_SKEW_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A certificate and its private key, as PEM. */
export interface Pem {
  readonly cert: string;
  readonly key: string;
}

export interface Validity {
  readonly notBeforeDate: Date;
  readonly notAfterDate: Date;
}

export interface Leaf {
  /** The KME ID or SAE ID: the common name (clause 5.1). */
  readonly name: string;
  /** Names and addresses at which it may serve. */
  readonly hosts: readonly string[];
  readonly validity: Validity;
}

/** @param days - from now; below 0: it has ended */
export function validFor(days: number, nowMs: number = Date.now()): Validity {
  const endMs = nowMs + days * DAY_MS;
  return {
    notBeforeDate: new Date(Math.min(nowMs, endMs - DAY_MS) - CLOCK_SKEW_MS),
    notAfterDate: new Date(endMs),
  };
}

/** Makes a CA. */
export async function makeAuthority(validity: Validity): Promise<Pem> {
  // A name of its own: two CAs of one name fail by signature, not as one that is not trusted.
  const name = `quPSKd trial CA ${randomUUID()}`;
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...SIGNATURE,
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert, key };
}

/** Signs a certificate for one end: as a client, and as a server at its hosts. */
export async function signLeaf(ca: Pem, { name, hosts, validity }: Leaf): Promise<Pem> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...SIGNATURE,
    ...validity,
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) =>
          isIP(host) === 0 ? { type: 2 as const, value: host } : { type: 7 as const, ip: host },
        ),
      },
    ],
  });
  return { cert, key };
}
