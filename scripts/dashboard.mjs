// The page of the dashboard, out of src/dashboard/page and the drawings of docs/, into one file that the
// program embeds: nothing is read from a folder at run time, and a bundle is whole.
//
// Part of `npm run docs`, because the drawings are made from the machine; a test says when it is due.
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = join(ROOT, 'src/dashboard/page');
const TARGET = join(ROOT, 'src/dashboard/assets.json');

const DRAWINGS = { five: 'link.svg', all: 'link-states.svg', small: 'link-psk-and-sinks.svg' };

const text = await assetsText();
if (process.argv.includes('--print')) {
  process.stdout.write(text);
} else {
  await writeFile(TARGET, text);
  console.log('src/dashboard/assets.json');
}

async function assetsText() {
  const read = (name) => readFile(join(PAGE, name), 'utf8');
  const assets = {
    'index.html': await withDrawings(await read('index.html')),
    'login.html': await read('login.html'),
    'app.css': await small('style.css'),
    'app.js': await small('main.ts'),
    'icon.svg': await read('icon.svg'),
  };
  return `${JSON.stringify(assets, null, 2)}\n`;
}

async function withDrawings(page) {
  let whole = page;
  for (const [name, file] of Object.entries(DRAWINGS)) {
    const drawing = inlined(name, await readFile(join(ROOT, 'docs', file), 'utf8'));
    // As a function: a drawing may hold what `replace` takes for a pattern.
    whole = whole.replace(`<!--drawing:${name}-->`, () => drawing);
  }
  return whole;
}

/** An SVG within HTML: without its head, its ids (the drawings have the same) and its points. */
function inlined(name, svg) {
  const wide = name === 'five' ? '' : ' wide';
  return svg
    .replace(/^.*?(?=<svg)/s, '')
    .replace(/<!--.*?-->\n?/gs, '')
    .replace(/ id="[^"]*"/g, '')
    .replace(/ xml:space="preserve"/g, '')
    .replace(/ font-family="[^"]*"/g, '')
    .replace(/<svg width="(\d+)pt" height="(\d+)pt"/, (_svg, width, height) => {
      const size = `width="${width}" height="${height}"`;
      return `<svg class="drawing${wide}" data-drawing="${name}" role="img" ${size}`;
    })
    .trim();
}

async function small(file) {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(PAGE, file)],
    bundle: true,
    write: false,
    format: 'iife',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  return outputFiles[0].text;
}
