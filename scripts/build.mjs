// Bundles each program into one CommonJS file: half the start time and 10 MB less memory than a
// tree of modules. Types are checked by `npm run typecheck`, not here.
import { chmod, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const PROGRAMS = { qupskd: 'src/main.ts', 'qkd-simulator': 'src/etsi014/simulator/main.ts' };

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: PROGRAMS,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  banner: { js: '#!/usr/bin/env node' },
  legalComments: 'none',
  logLevel: 'warning',
});
await Promise.all(Object.keys(PROGRAMS).map((name) => chmod(`dist/${name}.cjs`, 0o755)));
