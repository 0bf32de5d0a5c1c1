/**
 * One message to the service manager that started the process, by the program `systemd-notify`.
 *
 * The manager listens at a unix datagram socket, which Node cannot open, and the packages that can are
 * compiled where they are installed (docs/decisions/0015). Where
 * there is a systemd there is this program.
 *
 * Source: sd_notify(3), systemd-notify(1).
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';

const PROGRAM = 'systemd-notify';
/** It waits up to 5 s until the manager has taken the message: else the sender would not be known. */
const SEND_MS_MAX = 8_000;

/** Sends assignments such as `READY=1`, all in one message. */
export type Notify = (...assignments: readonly string[]) => Promise<void>;

/**
 * The way to the service manager.
 *
 * @param socket - what the manager put into NOTIFY_SOCKET
 * @param path - where programs are looked for, as in PATH
 * @returns a function that throws QupskdError `ERR_CONFIG_ENVIRONMENT`
 */
export function notifierAt(socket: string, path: string): Notify {
  return async (...assignments) => {
    try {
      await promisify(execFile)(PROGRAM, ['--', ...assignments], {
        env: { PATH: path, NOTIFY_SOCKET: socket },
        timeout: SEND_MS_MAX,
        killSignal: 'SIGKILL',
      });
    } catch (error) {
      throw new QupskdError(
        'ERR_CONFIG_ENVIRONMENT',
        `${PROGRAM} failed (${errorCode(error)})`,
        `See that ${PROGRAM} is installed and that the unit has NotifyAccess=all.`,
      );
    }
  };
}
