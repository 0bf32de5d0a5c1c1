// The files of the Debian package, as dpkg-deb wants them: the tree, and DEBIAN/ beside it.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, extname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { settleModes } from './modes.mjs';

const PROGRAMS = ['qupskd', 'qkd-simulator'];
/** Of docs/ and example/, what is there to be read; the rest needs the source. */
const READABLE = ['.md', '.svg', '.toml', '.service', '.conf', '.yml', '.json'];
const CONFIGURATION = 'etc/qupskd.toml';
const DOC = 'usr/share/doc/qupskd';
/** Run by dpkg; each does nothing in a root that is not the running system's. */
const MAINTAINER_SCRIPTS = ['postinst', 'prerm', 'postrm'];

/**
 * @param root - of the sources
 * @param programs - the folder of the bundles
 * @param tree - the folder to make
 */
export async function debianTree({ root, programs, tree, manifest }) {
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  for (const name of PROGRAMS) {
    await put(join(programs, `${name}.cjs`), join(tree, `usr/lib/qupskd/${name}.cjs`));
    await symlink(`../lib/qupskd/${name}.cjs`, join(tree, 'usr/bin', name));
  }
  const unit = 'usr/lib/systemd/system/qupskd.service';
  await put(join(root, 'example/systemd/qupskd.service'), join(tree, unit));
  await put(join(root, 'scripts/debian/qupskd.toml'), join(tree, CONFIGURATION));
  await documents({ root, programs, doc: join(tree, DOC) });
  await settleModes(tree);
  await controlFiles({ root, tree, manifest });
}

async function documents({ root, programs, doc }) {
  const licence = await readFile(join(root, 'LICENSE'), 'utf8');
  const notices = await readFile(join(programs, 'THIRD-PARTY.txt'), 'utf8');
  await mkdir(doc, { recursive: true });
  await writeFile(join(doc, 'copyright'), `quPSKd\n------\n${licence}\n\n${notices}`);
  for (const name of ['README.md', 'CHANGELOG.md']) await put(join(root, name), join(doc, name));
  for (const name of ['docs', 'example']) {
    const files = (await filesOf(join(root, name))).filter((file) =>
      READABLE.includes(extname(file)),
    );
    for (const file of files) await put(file, join(doc, relative(root, file)));
  }
  const help = [join(programs, 'qupskd.cjs'), '--help'];
  const { stdout } = await promisify(execFile)(process.execPath, help);
  await writeFile(join(doc, 'help.txt'), stdout);
}

async function controlFiles({ root, tree, manifest }) {
  const files = await filesOf(tree);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  const kibibytes = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1024);
  const sums = await Promise.all(files.map((file) => md5Line(file, tree)));
  const control = join(tree, 'DEBIAN');
  await mkdir(control);
  await writeFile(join(control, 'control'), controlText(manifest, kibibytes));
  await writeFile(join(control, 'conffiles'), `/${CONFIGURATION}\n`);
  await writeFile(join(control, 'md5sums'), sums.join(''));
  for (const name of MAINTAINER_SCRIPTS) {
    await put(join(root, 'scripts/debian', name), join(control, name));
  }
  await settleModes(control);
  for (const name of MAINTAINER_SCRIPTS) await chmod(join(control, name), 0o755);
}

function controlText({ version, description, engines }, kibibytes) {
  return `Package: qupskd
Version: ${version}
Architecture: all
Section: net
Priority: optional
Maintainer: quPSKd developers <qupskd@packages.invalid>
Installed-Size: ${kibibytes}
Depends: nodejs (${engines.node.replace('>=', '>= ')})
Recommends: wireguard-tools
Description: pre-shared keys from quantum key distribution
 ${description}.
 Two daemons agree on one key after another from their QKD devices, prove it to
 each other, and put it into a tunnel every 120 seconds.
`;
}

async function md5Line(file, tree) {
  const sum = createHash('md5').update(await readFile(file));
  return `${sum.digest('hex')}  ${relative(tree, file)}\n`;
}

async function put(from, to) {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

/** Regular files, sorted; links left out. */
async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name)).sort();
}
