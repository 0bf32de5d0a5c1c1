/**
 * Asks the daemon of this host over its control socket.
 *
 * Bounded in time and size. What comes back is this host's own daemon's word, and JSON; what is in it
 * is judged by who asked.
 */
import { type IncomingMessage, request } from 'node:http';
import { errorCode } from '../error-code.ts';

const PATIENCE_MS = 5_000;
/** Ten thousand links, and room. */
const ANSWER_BYTES_MAX = 128 * 1024 * 1024;

export type ControlAnswer =
  | { readonly type: 'answer'; readonly status: number; readonly body: unknown }
  /** `code` is of the system (`ENOENT`, `ECONNREFUSED`, `EACCES`), or `late` or `unreadable`. */
  | { readonly type: 'failed'; readonly code: string };

export interface ControlRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** How long an answer is waited for, in milliseconds; 5 s unless given. */
  readonly patienceMs?: number;
}

/**
 * Sends one request.
 *
 * @param socketPath - of the daemon
 */
export function askControl(
  socketPath: string,
  { method, path, patienceMs = PATIENCE_MS }: ControlRequest,
): Promise<ControlAnswer> {
  return new Promise((resolve) => {
    const asking = request({ socketPath, method, path, agent: false }, (answer) => {
      read(answer).then(resolve, fail);
    });
    const timer = setTimeout(() => {
      resolve({ type: 'failed', code: 'late' });
      asking.destroy();
    }, patienceMs);
    const fail = (error: unknown): void => resolve({ type: 'failed', code: errorCode(error) });
    asking.once('error', fail);
    asking.once('close', () => clearTimeout(timer));
    asking.end();
  });
}

async function read(answer: IncomingMessage): Promise<ControlAnswer> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    lengthBytes += chunk.length;
    if (lengthBytes > ANSWER_BYTES_MAX) return { type: 'failed', code: 'unreadable' };
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return { type: 'answer', status: answer.statusCode ?? 0, body };
  } catch {
    return { type: 'failed', code: 'unreadable' };
  }
}
