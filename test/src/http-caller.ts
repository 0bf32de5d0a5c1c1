/** A caller of the tests, which waits for long and ends with the test. */
import { HttpCaller, type HttpCallerOptions, type HttpRequest } from '../../src/http-call.ts';
import { atEnd } from '../support/ending.ts';
import { NEVER } from '../support/never.ts';

export const GET: HttpRequest = { method: 'GET', path: '/a' };
export const ANSWER_BYTES_MAX = 64 * 1024;

export function callerOf(url: string, change: Partial<HttpCallerOptions> = {}): HttpCaller {
  const caller = new HttpCaller({
    url,
    tls: null,
    server: 'the test',
    keepAliveMs: 60_000,
    connectTimeoutMs: 60_000,
    totalTimeoutMs: 60_000,
    answerBytesMax: ANSWER_BYTES_MAX,
    ...change,
  });
  atEnd(() => caller.close());
  return caller;
}

export const get = (url: string, change: Partial<HttpCallerOptions> = {}) =>
  callerOf(url, change).send(GET, NEVER);

/** What was received, as text; it must be an answer. */
export async function bodyOf(result: ReturnType<typeof get>): Promise<string> {
  const answer = await result;
  if (answer.type !== 'answer') throw new Error(`${answer.type}: ${answer.reason}`);
  return answer.body.toString();
}
