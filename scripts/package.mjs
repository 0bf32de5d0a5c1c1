// `npm run package [-- FOLDER]`: what is installed elsewhere, into dist/package or the folder.
//
//   qupskd-VERSION.cjs      the daemon, one file; needs Node alone. The licences are in THIRD-PARTY.txt
//   qupskd-VERSION.tgz      npm install ./qupskd-VERSION.tgz; needs no registry
//   qupskd_VERSION_all.deb  where there is dpkg-deb
//
// The same tree gives the same bytes: times are SOURCE_DATE_EPOCH, or else 1980.
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from './bundle.mjs';
import { debianTree } from './debian-tree.mjs';
import { settleModes } from './modes.mjs';

const run = promisify(execFile);

const ROOT = resolve(import.meta.dirname, '..');
/** Midnight of 1980-01-01, the first day that every format of archive can hold. */
const EPOCH_DEFAULT = '315532800';
const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'LICENSE', 'docs', 'example'];

const folder = resolve(process.argv[2] ?? join(ROOT, 'dist/package'));
const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
const staging = await mkdtemp(join(tmpdir(), 'qupskd-package-'));
try {
  await mkdir(folder, { recursive: true });
  await bundle(join(staging, 'npm/dist'));
  const names = [await singleFile(), await npmPackage(), await debianPackage()];
  for (const name of names) console.log(join(folder, name));
} finally {
  await rm(staging, { recursive: true, force: true });
}

async function singleFile() {
  const name = `qupskd-${manifest.version}.cjs`;
  await copyFile(join(staging, 'npm/dist/qupskd.cjs'), join(folder, name));
  await copyFile(join(staging, 'npm/dist/THIRD-PARTY.txt'), join(folder, 'THIRD-PARTY.txt'));
  return name;
}

/** As `npm pack`, but without dependencies: they are in the bundle. */
async function npmPackage() {
  const tree = join(staging, 'npm');
  for (const name of DOCUMENTS) await cp(join(ROOT, name), join(tree, name), { recursive: true });
  const { dependencies, devDependencies, overrides, allowScripts, scripts, ...own } = manifest;
  await writeFile(join(tree, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
  await settleModes(tree);
  const to = ['--pack-destination', folder];
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--umask=022', ...to], { cwd: tree });
  return `qupskd-${manifest.version}.tgz`;
}

async function debianPackage() {
  if (!(await hasDpkgDeb())) return '(no Debian package: dpkg-deb is not installed)';
  const tree = join(staging, 'debian');
  await debianTree({ root: ROOT, programs: join(staging, 'npm/dist'), tree, manifest });
  const name = `qupskd_${manifest.version}_all.deb`;
  const { SOURCE_DATE_EPOCH = EPOCH_DEFAULT } = process.env;
  await run('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, join(folder, name)], {
    env: { ...process.env, SOURCE_DATE_EPOCH },
  });
  return name;
}

async function hasDpkgDeb() {
  return run('dpkg-deb', ['--version']).then(
    () => true,
    () => false,
  );
}
