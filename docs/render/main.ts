/**
 * `npm run docs`: writes everything in docs/ that is generated from the machine.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { render } from './render.ts';

for (const [name, content] of await render()) {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  writeFileSync(path, content);
  process.stdout.write(`docs/${name}\n`);
}
