/**
 * Who may import whom, of the adapters: each its own folder and what they share, none of another, and
 * no machine.
 */
import { BASE, CONFIG_TYPES, node, type Row, SHARED } from './architecture.row.ts';

export const ADAPTER_ROWS: readonly Row[] = [
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
    files: /^src\/wireguard\//,
    may: [/^src\/wireguard\//, SHARED, BASE],
    types: [CONFIG_TYPES],
    packages: node('net', 'path'),
  },
  {
    files: /^src\/vici\//,
    may: [/^src\/vici\//, BASE],
    packages: node('events', 'net'),
  },
  {
    files: /^src\/sinks\//,
    may: [/^src\/(sinks|vici|wireguard)\//, SHARED, BASE],
    types: [CONFIG_TYPES, /^src\/log\.ts$/],
    packages: node('crypto', 'fs/promises', 'path', 'timers/promises'),
  },
  {
    // It asks the interfaces themselves whether they have the peers.
    files: /^src\/config\/environment\.ts$/,
    may: [/^src\/config\//, /^src\/wireguard\/devices\.ts$/, SHARED, BASE],
    packages: node('fs', 'fs/promises', 'net', 'path'),
  },
  {
    files: /^src\/tunnel\//,
    may: [/^src\/tunnel\//, /^src\/complaints\.ts$/, BASE],
    types: [
      /^src\/log\.ts$/,
      /^src\/peer\/(caller|effect-message|link-port)\.ts$/,
      /^src\/sinks\/sink\.ts$/,
    ],
    packages: [],
  },
  {
    files: /^src\/hello\//,
    may: [/^src\/hello\//, BASE],
    types: [CONFIG_TYPES, /^src\/log\.ts$/, /^src\/peer\/(caller|hello-message|link-port)\.ts$/],
    packages: node('crypto'),
  },
  {
    // What the operator may set is bounded by the protocol's own numbers and wire limits.
    files: /^src\/config\//,
    may: [
      /^src\/config\//,
      /^machines\/timing\.ts$/,
      /^src\/peer\/messages\.ts$/,
      /^src\/control\/socket-path\.ts$/,
      /^src\/vici\//,
      SHARED,
      BASE,
    ],
    packages: ['toml', 'zod', ...node('buffer', 'fs', 'fs/promises', 'path')],
  },
  {
    files: /^src\/control\//,
    may: [/^src\/control\//, BASE],
    packages: node('events', 'fs', 'http', 'net', 'path'),
  },
  {
    files: /^src\/log\.ts$/,
    may: [BASE],
    types: [CONFIG_TYPES],
    packages: ['winston', ...node('stream')],
  },
];
