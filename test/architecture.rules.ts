/**
 * Who may import whom: one row per part of the product, held against the tree by
 * architecture.test.ts.
 *
 * A wall that turns out wrong is moved here, in one place; docs/decisions says why the walls stand
 * where they do.
 */
import { ADAPTER_ROWS } from './architecture.adapters.ts';
import { BASE, CONFIG_TYPES, inSrc, node, type Row, SHARED } from './architecture.row.ts';

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
  {
    files: /^src\/peer\/(effect-message|hello-message|message-fields|messages)\.ts$/,
    may: [/^src\/peer\/message-fields\.ts$/, BASE],
    packages: ['zod'],
  },
  {
    files: /^src\/tunnel\/(lasting|link-record|report|sink-record)\.ts$/,
    may: [/^src\/tunnel\/sink-record\.ts$/],
    types: [
      /^src\/tunnel\/report\.ts$/,
      /^src\/peer\/effect-message\.ts$/,
      /^src\/sinks\/sink\.ts$/,
    ],
    packages: [],
  },
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

  ...ADAPTER_ROWS,

  // Who looks on.
  {
    files: /^src\/link-observer\.ts$/,
    may: [BASE],
    types: [/^machines\//, /^src\/(log|peer\/messages)\.ts$/],
    packages: [],
  },
  {
    files: /^src\/audit\//,
    may: [/^src\/audit\//, BASE],
    types: [/^src\/(link-observer|log)\.ts$/],
    packages: ['zod', ...node('crypto', 'fs', 'fs/promises', 'timers/promises')],
  },
  {
    files: /^src\/metrics\//,
    may: [/^src\/metrics\//, SHARED, BASE],
    types: [
      CONFIG_TYPES,
      /^src\/(link-observer|log|certificate-ends)\.ts$/,
      /^src\/(audit|status|tunnel)\//,
    ],
    packages: ['prom-client', ...node('http')],
  },
  {
    // In the browser: of the daemon it knows what it is told, and loads nothing but itself.
    files: /^src\/dashboard\/page\//,
    may: [/^src\/dashboard\/page\//],
    types: [/^src\/dashboard\/messages\.ts$/, /^src\/status\//],
    packages: [],
  },
  {
    files: /^src\/dashboard\//,
    may: [/^src\/dashboard\/[^/]+$/, SHARED, BASE],
    types: [CONFIG_TYPES, /^src\/(link-observer|log)\.ts$/, /^src\/status\//],
    packages: ['express', 'express-rate-limit', ...node('crypto', 'fs', 'http', 'net', 'path')],
  },

  // Where the machine meets the adapters.
  {
    files: /^src\/bind-link\.ts$/,
    may: [/^machines\/link\.ts$/],
    types: [/^machines\//],
    packages: ['xstate'],
  },
  {
    files: /^src\/collect-at-rest\.ts$/,
    may: [/^src\/clock\.ts$/],
    types: [/^src\/link-observer\.ts$/],
    packages: [],
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
    // It knows every part of a link, and loads none.
    files: /^src\/status\//,
    may: [/^src\/(status\/[^/]+|log)\.ts$/, BASE],
    types: [/^machines\//, CONFIG_TYPES, /^src\/((etsi014|hello|tunnel)\/|link-observer)/],
    packages: [],
  },
  {
    // The service manager hears what the report says.
    files: /^src\/service\//,
    may: [/^src\/service\//, /^src\/complaints\.ts$/, BASE],
    types: [/^src\/(log|status\/report)\.ts$/],
    packages: node('child_process', 'util'),
  },
  {
    files: /^src\/link-end\.ts$/,
    may: [/^machines\/state-name\.ts$/, /^src\/link-observer\.ts$/],
    types: [/^machines\//, /^src\//],
    packages: ['xstate'],
  },
  {
    files: /^src\/reload-plan\.ts$/,
    may: [/^src\/config\/(flat|problem)\.ts$/, BASE],
    types: [CONFIG_TYPES],
    packages: [],
  },
  {
    files: /^src\/(daemon|link-kme|link-set|reload|running-link|watching)\.ts$/,
    may: [/^src\/(?!cli|inspect|main)/, /^machines\/timing\.ts$/],
    packages: ['xstate', ...node('timers/promises')],
  },

  // The programs.
  {
    // It goes the way of a rotation with the parts of the daemon, and without the daemon.
    files: /^src\/doctor\//,
    may: [
      /^src\/(doctor|hello|peer)\//,
      /^src\/(config\/environment|etsi014\/probe|wireguard\/devices)\.ts$/,
      SHARED,
      BASE,
    ],
    types: [/^src\/(config|etsi014|status)\//],
    packages: node('crypto', 'dns/promises', 'net', 'os'),
  },
  {
    files: /^src\/cli\//,
    may: [
      /^src\/(cli|config)\//,
      /^src\/(daemon|audit\/verify|doctor\/doctor|etsi014\/probe|status\/report)\.ts$/,
      /^src\/control\/(client|socket-path)\.ts$/,
      SHARED,
      BASE,
    ],
    types: [/^src\/(reload|doctor\/report|etsi014\/probe-report)\.ts$/, /^src\/status\//],
    packages: ['commander', ...node('crypto', 'timers/promises')],
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
      ...node('crypto', 'fs/promises', 'http', 'path', 'url'),
    ],
  },
];

/** Who alone may load a package or module in src: everything else asks that file. */
export const ONLY: Readonly<Record<string, RegExp>> = {
  axios: /^src\/http-call\.ts$/,
  express: inSrc(
    'dashboard/app peer/(server|routes|serve-protocol-2) etsi014/simulator/(api|control)',
  ),
  selfsigned: /^src\/etsi014\/simulator\/authority\.ts$/,
  winston: /^src\/log\.ts$/,
  toml: /^src\/config\/load\.ts$/,
  'prom-client': /^src\/metrics\//,
  '@statelyai/inspect': /^src\/inspect\//,
  'node:child_process': /^src\/(run-program|service\/notify)\.ts$/,
};

/** Started, not imported. */
export const ENTRY_POINTS = [
  'src/main.ts',
  'src/etsi014/simulator/main.ts',
  'src/inspect/main.ts',
  'src/dashboard/page/main.ts',
];
