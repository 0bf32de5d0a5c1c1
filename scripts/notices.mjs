// The licences of the packages that are in a bundle: most of them ask that their text goes along.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/**
 * @param metafile - of esbuild; its paths start at `root`
 * @returns one text, in the order of the names
 */
export async function noticesOf(metafile, root) {
  const paths = Object.keys(metafile.inputs).map((input) => PACKAGE.exec(input)?.[1]);
  const folders = [...new Set(paths)].filter((path) => path !== undefined);
  const notices = await Promise.all(folders.map((folder) => noticeOf(join(root, folder))));
  return `The programs contain these packages.\n\n${notices.sort().join('\n\n')}\n`;
}

async function noticeOf(folder) {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const files = (await readdir(folder)).filter((name) => LICENCE_FILE.test(name)).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  if (texts.length === 0) texts.push(await licenceInReadme(folder));
  const title = `${manifest.name} ${manifest.version} (${manifest.license})`;
  return [title, '-'.repeat(title.length), ...texts.map((text) => text.trim())].join('\n');
}

async function licenceInReadme(folder) {
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const [, section] = readme.split(/^#*\s*licen[cs]e\s*$(?:\s*^-+$)?/im);
  if (section === undefined) throw new Error(`${folder} has no licence that could go along`);
  return section;
}
