/**
 * The words in which architecture.rules.ts and architecture.adapters.ts say who may import whom.
 */

export interface Row {
  /** The files that the row is about; the first row that fits a file is its row. */
  readonly files: RegExp;
  /** Files of the tree that they may load. */
  readonly may: readonly RegExp[];
  /** Files of which they may know the types, besides. */
  readonly types?: readonly RegExp[];
  /** Packages, and modules of node as `node:name`. */
  readonly packages: readonly string[];
}

export const inSrc = (names: string): RegExp =>
  new RegExp(`^src/(${names.split(' ').join('|')})\\.ts$`);

/** What everybody may know: small, pure, and without a dependency worth the name. */
export const BASE = inSrc(
  'base64 bounded-call clock error-code errors key-text loopback printable secret ' +
    'swanctl-keys turns wireguard-names within',
);
/** What several adapters do alike: reaching out, listening, TLS, files, programs. */
export const SHARED = inSrc(
  'certificate-names http-(call|connections|listener) listen output regular-file run-program tls',
);
export const CONFIG_TYPES = /^src\/config\/types\.ts$/;

export const node = (...names: readonly string[]): string[] => names.map((name) => `node:${name}`);
