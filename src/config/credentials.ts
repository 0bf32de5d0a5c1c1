/**
 * Files that a systemd unit hands over with LoadCredential=: how a configuration names them, and who may
 * read them.
 *
 * The folder is made by the service manager for this service alone, in memory. Its files belong to the
 * service's user (mode 0400), or to root with an access list for that user, which shows as mode 0440.
 *
 * Source: systemd.exec(5), "Credentials".
 */
import { join } from 'node:path';

const VARIABLE = 'CREDENTIALS_DIRECTORY';
const PREFIX = `\${${VARIABLE}}/`;
const GROUP_OR_OTHERS = 0o077;
const GROUP_READ = 0o040;

/**
 * Puts the folder of the credentials in its place at the beginning of a path. Where there is none, the
 * path stays as it is written: see isWithoutFolder.
 */
export function withCredentials(path: string): string {
  const folder = process.env[VARIABLE];
  return folder && path.startsWith(PREFIX) ? join(folder, path.slice(PREFIX.length)) : path;
}

/** True for a path to a credential where no service manager has handed over any. */
export function isWithoutFolder(path: string): boolean {
  return path.startsWith(PREFIX);
}

/** True where others than the owner of a file may read or change it. */
export function isOpenToOthers(file: string, mode: number): boolean {
  const folder = process.env[VARIABLE];
  const isCredential = folder !== undefined && folder !== '' && file.startsWith(join(folder, '/'));
  return (mode & GROUP_OR_OTHERS & (isCredential ? ~GROUP_READ : ~0)) !== 0;
}
