/**
 * Who may import whom: one row per part of the product, held against the tree by
 * architecture.test.ts.
 *
 * A wall that turns out wrong is moved here, in one place; docs/decisions says why the walls stand
 * where they do.
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

/** What everybody may know: small, pure, and without a dependency worth the name. */
const BASE =
  /^src\/(base64|error-code|errors|key-text|loopback|printable|secret|wireguard-names|within)\.ts$/;
/** What several adapters do alike: reaching out, listening, TLS, files, programs. */
const SHARED =
  /^src\/(certificate-names|http-(call|connections|listener)|listen|output|regular-file|run-program|tls)\.ts$/;
const CONFIG_TYPES = /^src\/config\/types\.ts$/;

const node = (...names: readonly string[]): string[] => names.map((name) => `node:${name}`);

export const ROWS: readonly Row[] = [
  { files: /^machines\//, may: [/^machines\//], packages: ['xstate'] },

  // Pure files: downward only, and no input or output.
  { files: BASE, may: [BASE], packages: node('crypto', 'net', 'util') },
  { files: /^src\/psk\//, may: [/^src\/psk\//, BASE], packages: node('crypto') },
  {
    files: /^src\/etsi014\/(conformance|dialect|failure|format|retry-after|stock-arithmetic)\.ts$/,
    may: [/^src\/etsi014\/format\.ts$/, BASE],
    types: [CONFIG_TYPES, /^src\/http-call\.ts$/, /^src\/etsi014\/(dialect|failure)\.ts$/],
    packages: [],
  },
  { files: /^src\/peer\/messages\.ts$/, may: [BASE], packages: ['zod'] },
  {
    files: /^src\/peer\/auth\.ts$/,
    may: [/^src\/psk\/(auth-key|framing)\.ts$/, /^src\/peer\/messages\.ts$/, BASE],
    packages: node('crypto'),
  },
  {
    files: /^src\/tickets\.ts$/,
    may: [],
    types: [/^src\/peer\/link-port\.ts$/],
    packages: node('crypto'),
  },

  // Adapters: each its own folder and what they share, none of another, and no machine.
  {
    files: SHARED,
    may: [SHARED, BASE],
    types: [CONFIG_TYPES],
    packages: [
      'axios',
      ...node('child_process', 'crypto', 'events', 'fs', 'http', 'https', 'net', 'stream', 'tls'),
    ],
  },
  {
    files: /^src\/certificate-(ends|watch)\.ts$/,
    may: [/^src\/certificate-ends\.ts$/, /^src\/tls\.ts$/, BASE],
    types: [CONFIG_TYPES, /^src\/log\.ts$/],
    packages: node('crypto', 'fs/promises'),
  },
  {
    files: /^src\/etsi014\/simulator\//,
    may: [/^src\/etsi014\/simulator\//, /^src\/etsi014\/format\.ts$/, SHARED, BASE],
    types: [CONFIG_TYPES],
    packages: [
      'express',
      'zod',
      'commander',
      'selfsigned',
      ...node('crypto', 'fs/promises', 'http', 'net', 'path', 'timers/promises', 'tls'),
    ],
  },
  {
    // It looks at what calls do not: names, ports and certificates.
    files: /^src\/etsi014\/probe-reach\.ts$/,
    may: [/^src\/etsi014\/probe-report\.ts$/, SHARED, BASE],
    types: [CONFIG_TYPES, /^src\/etsi014\/conformance\.ts$/],
    packages: node('crypto', 'dns/promises', 'events', 'net', 'tls'),
  },
  {
    files: /^src\/etsi014\//,
    may: [/^src\/etsi014\/[^/]+$/, SHARED, BASE],
    types: [CONFIG_TYPES, /^src\/log\.ts$/],
    packages: node('timers/promises'),
  },
  {
    files: /^src\/peer\//,
    may: [/^src\/peer\//, SHARED, BASE],
    types: [CONFIG_TYPES, /^src\/log\.ts$/],
    packages: [
      'express',
      'express-rate-limit',
      ...node('crypto', 'dns/promises', 'http', 'net', 'stream', 'tls'),
    ],
  },
  {
    files: /^src\/sinks\//,
    may: [/^src\/sinks\//, BASE],
    types: [CONFIG_TYPES],
    packages: node('child_process', 'crypto', 'fs/promises', 'path', 'stream', 'timers/promises'),
  },
  {
    // What the operator may set is bounded by the protocol's own numbers and wire limits.
    files: /^src\/config\//,
    may: [/^src\/config\//, /^machines\/timing\.ts$/, /^src\/peer\/messages\.ts$/, SHARED, BASE],
    packages: ['toml', 'zod', ...node('buffer', 'fs', 'fs/promises', 'net', 'path')],
  },
  {
    files: /^src\/log\.ts$/,
    may: [BASE],
    types: [CONFIG_TYPES],
    packages: ['winston', ...node('stream')],
  },

  // Where the machine meets the adapters.
  {
    files: /^src\/bind-link\.ts$/,
    may: [/^machines\/link\.ts$/],
    types: [/^machines\//],
    packages: ['xstate'],
  },
  {
    files: /^src\/complaints\.ts$/,
    may: [/^src\/errors\.ts$/],
    types: [/^src\/log\.ts$/],
    packages: [],
  },
  {
    files: /^src\/link-effects\.ts$/,
    may: [BASE],
    types: [/^machines\//, /^src\//],
    packages: node('crypto'),
  },
  {
    files: /^src\/link-end\.ts$/,
    may: [/^machines\/state-name\.ts$/],
    types: [/^machines\//, /^src\//],
    packages: ['xstate'],
  },
  {
    files: /^src\/(daemon|running-link)\.ts$/,
    may: [/^src\/(?!cli|inspect|main)/, /^machines\/timing\.ts$/],
    packages: ['xstate'],
  },

  // The programs.
  {
    files: /^src\/cli\//,
    may: [/^src\/(cli|config)\//, /^src\/(daemon|etsi014\/probe)\.ts$/, SHARED, BASE],
    types: [/^src\/etsi014\/probe-report\.ts$/],
    packages: ['commander', ...node('crypto')],
  },
  { files: /^src\/main\.ts$/, may: [/^src\/cli\//], packages: [] },
  {
    files: /^src\/inspect\//,
    // The inspector shows the definition of the machine beside its states.
    may: [/^src\/(cli|inspect)\//, /^src\/daemon\.ts$/, /^machines\/link\.ts$/, SHARED, BASE],
    types: [CONFIG_TYPES],
    packages: [
      '@statelyai/inspect',
      'commander',
      'xstate',
      ...node('fs/promises', 'http', 'path', 'url'),
    ],
  },
];

/** Who alone may load a package or module in src: everything else asks that file. */
export const ONLY: Readonly<Record<string, RegExp>> = {
  axios: /^src\/http-call\.ts$/,
  express: /^src\/(peer\/(server|routes|serve-protocol-2)|etsi014\/simulator\/(api|control))\.ts$/,
  selfsigned: /^src\/etsi014\/simulator\/authority\.ts$/,
  winston: /^src\/log\.ts$/,
  toml: /^src\/config\/load\.ts$/,
  '@statelyai/inspect': /^src\/inspect\//,
  'node:child_process': /^src\/run-program\.ts$/,
};

/** Started, not imported. */
export const ENTRY_POINTS = ['src/main.ts', 'src/etsi014/simulator/main.ts', 'src/inspect/main.ts'];
