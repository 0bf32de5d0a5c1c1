/**
 * The command `qkd-simulator certs`: the files for mutual TLS between SAEs and KMEs, for a trial.
 *
 * Keys are in files that their owner alone can read, and on no output. Nothing that is there is
 * overwritten, unless that was asked for.
 */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorCode } from '../../error-code.ts';
import { QupskdError } from '../../errors.ts';
import { makeAuthority, type Pem, signLeaf, validFor } from './authority.ts';

/** What a common name has at most (RFC 5280, appendix A). */
const NAME = /^[\w.@:-]{1,64}$/;
const HOST = /^[\w.:-]{1,253}$/;
/** The CA's files stand beside those of the names. */
const CA_NAME = 'ca';

export interface CertsOptions {
  /** KME IDs and SAE IDs; the first KME is that of the first SAE, and so on. */
  readonly kmes: readonly string[];
  readonly saes: readonly string[];
  readonly hosts: readonly string[];
  /** How long all of them are valid. */
  readonly days: number;
  readonly force: boolean;
}

/**
 * Makes a CA and a certificate for each name.
 *
 * @param folder - is created with mode 0700 when it is missing
 * @returns what to tell the operator: the files, and the lines to paste
 * @throws QupskdError `ERR_CONFIG_INVALID` for a name, `ERR_CONFIG_ENVIRONMENT` for the folder
 */
export async function makeCerts(folder: string, options: CertsOptions): Promise<string> {
  const { kmes, saes, hosts, days, force } = options;
  const names = [...kmes, ...saes];
  checkNames(names, hosts);
  const validity = validFor(days);
  const ca = await makeAuthority(validity);
  const pems = new Map<string, Pem>([[CA_NAME, ca]]);
  for (const name of names) pems.set(name, await signLeaf(ca, { name, hosts, validity }));
  const files = [...pems].flatMap(([name, { cert, key }]) => [
    { path: join(folder, `${name}.crt`), text: cert },
    { path: join(folder, `${name}.key`), text: key },
  ]);
  try {
    await prepareFolder(folder);
    if (!force) await refuseExisting(files.map(({ path }) => path));
    for (const { path, text } of files) {
      // Made anew, so that neither the mode of a former file nor a link in its place stays.
      if (force) await rm(path, { force: true });
      await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    }
  } catch (error) {
    if (error instanceof QupskdError) throw error;
    throw environment(`${folder} cannot be written (${errorCode(error)}).`, 'Choose another one.');
  }
  return describe(resolve(folder), options);
}

function checkNames(names: readonly string[], hosts: readonly string[]): void {
  const unfit = [
    ...names.filter((name) => !NAME.test(name)),
    ...hosts.filter((host) => !HOST.test(host)),
  ];
  const all = [CA_NAME, ...names].map((name) => name.toLowerCase());
  const isTwice = new Set(all).size < all.length;
  if (unfit.length === 0 && !isTwice) return;
  const problem = isTwice ? `a name is given twice, or is ${CA_NAME}` : 'a name is no file name';
  const remedy = 'Use letters, digits, and . _ - @ : in names, each once.';
  throw new QupskdError('ERR_CONFIG_INVALID', `No certificates are made: ${problem}.`, remedy);
}

async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { mode } = await stat(folder);
  if ((mode & 0o077) === 0) return;
  throw environment(`${folder} is open to others.`, 'Name a new folder, or one of mode 0700.');
}

async function refuseExisting(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const exists = await stat(path).then(
      () => true,
      () => false,
    );
    if (exists) throw environment(`${path} exists already.`, 'Use --force to overwrite it.');
  }
}

function environment(message: string, remedy: string): QupskdError {
  return new QupskdError('ERR_CONFIG_ENVIRONMENT', message, remedy);
}

function describe(folder: string, { kmes, saes, days }: CertsOptions): string {
  const pathOf = (file: string): string => join(folder, file);
  const files = [CA_NAME, ...kmes, ...saes].map((name) => `  ${name}.crt  ${name}.key\n`);
  const tables = saes.map((sae, index) => {
    const toml = (file: string): string => JSON.stringify(pathOf(file));
    const own = `cert = ${toml(`${sae}.crt`)}\nkey = ${toml(`${sae}.key`)}\n`;
    const kme = kmes[index];
    const identity = kme === undefined ? '' : `kme_id = ${JSON.stringify(kme)}\n`;
    return `\n# ${sae}\n[kme]\n${identity}cacert = ${toml(`${CA_NAME}.crt`)}\n${own}`;
  });
  return [
    `Made for ${days} days, in ${folder}:\n`,
    ...files,
    `Whoever has ${CA_NAME}.key can pass for any of them: for trials only.\n`,
    `\n${kmeCommands(kmes, pathOf)}`,
    ...tables,
    '\nFor TLS between the daemons the same cacert, cert and key go below [listen] and [[link]].\n',
  ].join('');
}

/** How to start the KMEs: two of them as the two ends of a link, in one process. */
function kmeCommands(kmes: readonly string[], pathOf: (file: string) => string): string {
  const shell = (file: string): string => `'${pathOf(file).replaceAll("'", "'\\''")}'`;
  const common = `--cacert ${shell(`${CA_NAME}.crt`)} --ca-key ${shell(`${CA_NAME}.key`)}`;
  const own = (kme: string, which: '' | '2'): string =>
    `--cert${which} ${shell(`${kme}.crt`)} --key${which} ${shell(`${kme}.key`)}`;
  const single = (kme: string): string => `qkd-simulator --kme-id ${kme} ${common} ${own(kme, '')}`;
  const [first, second, ...others] = kmes;
  if (first === undefined || second === undefined || others.length > 0) {
    return kmes.map((kme) => `${single(kme)} HOST PORT\n`).join('');
  }
  const partner = `--two PORT2 --peer-kme-id ${second} ${own(second, '2')}`;
  return `${single(first)} ${partner} HOST PORT\n`;
}
