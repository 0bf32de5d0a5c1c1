/**
 * When certificates end, and which warning of it is due. Reads PEM text and no file, and asks no
 * clock.
 */
import { X509Certificate } from 'node:crypto';

const DAY_MS = 86_400_000;

/** Warnings by the days that are left when they fall due, the last one first; 0: it has ended. */
const WARNING_DAYS = [0, 1, 7, 30] as const;
export type EndWarning = (typeof WARNING_DAYS)[number];

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export interface CertificateEnd {
  /** The file it was read from. */
  readonly file: string;
  /** Tells it from every other certificate. */
  readonly fingerprint: string;
  /** Subject, serial number and end, for a log; the subject as the certificate has it. */
  readonly description: string;
  readonly endsAtMs: number;
}

export interface DueWarning {
  readonly certificate: CertificateEnd;
  readonly warning: EndWarning;
}

/** Reads every certificate of a PEM file, in its order; what is none is passed over. */
export function certificatesIn(pem: Buffer, file: string): readonly CertificateEnd[] {
  return [...pem.toString('latin1').matchAll(PEM_CERTIFICATE)].flatMap(([text]) => {
    const certificate = parse(text);
    if (certificate === null) return [];
    const { subject, serialNumber, validTo, fingerprint256 } = certificate;
    // Without a subject, which is allowed, Node gives none, though its type says that it does.
    const name = subject?.replaceAll('\n', ', ') ?? 'no subject';
    const description = `${name}, serial ${serialNumber}, ends ${validTo}`;
    return { file, fingerprint: fingerprint256, description, endsAtMs: Date.parse(validTo) };
  });
}

function parse(text: string): X509Certificate | null {
  try {
    return new X509Certificate(text);
  } catch {
    return null;
  }
}

/** The warning that fits the time that is left; null while none is due. */
export function dueWarning(endsAtMs: number, nowMs: number): EndWarning | null {
  return WARNING_DAYS.find((days) => endsAtMs - nowMs <= days * DAY_MS) ?? null;
}

/** Remembers which warnings were given: each once for each certificate, and none that is outdated. */
export class EndWarnings {
  /** The last one given, by fingerprint; of certificates that were there the last time. */
  #given: ReadonlyMap<string, EndWarning> = new Map();

  /**
   * The warnings to be given now.
   *
   * @param certificates - all that are in use; one that is there twice is warned of once
   */
  take(certificates: Iterable<CertificateEnd>, nowMs: number): readonly DueWarning[] {
    const given = new Map<string, EndWarning>();
    const due: DueWarning[] = [];
    for (const certificate of certificates) {
      const { fingerprint, endsAtMs } = certificate;
      const before = this.#given.get(fingerprint);
      if (before !== undefined) given.set(fingerprint, before);
      const warning = dueWarning(endsAtMs, nowMs);
      // A clock that was set back calls for no warning again.
      if (warning === null || warning >= (given.get(fingerprint) ?? Infinity)) continue;
      given.set(fingerprint, warning);
      due.push({ certificate, warning });
    }
    this.#given = given;
    return due;
  }
}
