/**
 * Where a daemon and its operator meet: the path of the control socket.
 *
 * It is made of the name of the configuration file, so that two daemons on one host have two sockets,
 * and whoever asks finds the right one by the same file.
 */
import { accessSync, constants } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

/** Of a unix socket, without the zero byte at its end: unix(7), sun_path. Node cuts longer ones off. */
export const SOCKET_PATH_BYTES_MAX = 107;

const SYSTEM_FOLDER = '/run/qupskd';

/** What the choice depends on; replaced in tests only. */
export interface Host {
  /** Whether this user can make or change files there, or make the folder. */
  isWritable(folder: string): boolean;
  /** A folder of this user's own, of the login session; undefined where there is none. */
  readonly userFolder: string | undefined;
}

/**
 * The control socket of the daemon that was started with this file, where the file does not say.
 *
 * @param file - path of a configuration
 * @returns `/run/qupskd/<file>.sock` for root and for a service that owns that folder, else the same
 *   in the folder of the user's session; null where there is neither
 */
export function defaultSocketPath(file: string, host: Host = thisHost()): string | null {
  const name = `${basename(file, extname(file))}.sock`;
  if (host.isWritable(SYSTEM_FOLDER)) return join(SYSTEM_FOLDER, name);
  return host.userFolder === undefined ? null : join(host.userFolder, 'qupskd', name);
}

function thisHost(): Host {
  return {
    isWritable: (folder) => canWrite(folder) ?? canWrite(dirname(folder)) ?? false,
    userFolder: process.env['XDG_RUNTIME_DIR'] || undefined,
  };
}

/** @returns undefined where there is nothing */
function canWrite(folder: string): boolean | undefined {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return isAbsent ? undefined : false;
  }
}
