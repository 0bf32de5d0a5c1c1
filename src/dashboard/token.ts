/**
 * The token of a dashboard whose configuration names none: made at each start, in a file for the user of
 * the daemon alone (0600), beside the control socket. It is never logged.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { Secret } from '../secret.ts';

const TOKEN_BYTES = 32;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const REMEDY = 'Write [dashboard] token_file = "…"; its token is made with qupskd genpsk.';

export interface MadeToken {
  readonly token: Secret;
  readonly file: string;
}

/**
 * Makes a token and its file, in the place of one that an earlier start has left.
 *
 * @param socket - path of the control socket; null where this user has no folder for it
 * @throws QupskdError `ERR_CONFIG_ENVIRONMENT`
 */
export function makeToken(socket: string | null): MadeToken {
  if (socket === null) {
    const message = 'The dashboard has no folder for a file with its token.';
    throw new QupskdError('ERR_CONFIG_ENVIRONMENT', message, REMEDY);
  }
  const file = `${socket.replace(/\.sock$/, '')}.dashboard-token`;
  const text = randomBytes(TOKEN_BYTES).toString('base64url');
  try {
    mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE });
    // Made anew, so that nobody has it open or has chosen its mode.
    rmSync(file, { force: true });
    writeFileSync(file, `${text}\n`, { mode: FILE_MODE, flag: 'wx' });
  } catch (error) {
    const message = `The token of the dashboard cannot be written to ${file} (${errorCode(error)}).`;
    throw new QupskdError('ERR_CONFIG_ENVIRONMENT', message, REMEDY);
  }
  return { token: Secret.fromUtf8(text), file };
}

/** Takes the file away at the stop. */
export function removeToken({ token, file }: MadeToken): void {
  token.wipe();
  rmSync(file, { force: true });
}
