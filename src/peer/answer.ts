/**
 * An answer of the peer API as data, and the one place that writes it to a response.
 *
 * All bodies are JSON; an error names a stable code and a sentence, and nothing else leaves.
 */
import type { ServerResponse } from 'node:http';
import { ERROR_STATUS, type ErrorAnswerCode, formatError } from './messages.ts';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** What to count and to log; null for a success. Never sent as such. */
  readonly error: AnswerError | null;
}

export interface AnswerError {
  readonly code: ErrorAnswerCode;
  /** The link, where it is known. */
  readonly link: string | null;
  /** For the operator's log; never a value out of the message. */
  readonly reason: string | null;
}

export function okAnswer(body: Buffer): Answer {
  return { status: 200, body, headers: {}, error: null };
}

/** An answer with the status that belongs to the code, where no other one is given. */
export function errorAnswer(
  code: ErrorAnswerCode,
  { link = null, reason = null, status = ERROR_STATUS[code], headers = {} }: ErrorDetails = {},
): Answer {
  return { status, body: formatError(code), headers, error: { code, link, reason } };
}

interface ErrorDetails {
  readonly link?: string | null;
  readonly reason?: string | null;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export function writeAnswer(response: ServerResponse, { status, body, headers }: Answer): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  // Protocol 1 reserves a key with a GET, which something on the way might otherwise keep.
  response.setHeader('Cache-Control', 'no-store');
  // Nobody reads the rest of a body that was refused.
  if (!response.req.complete) response.setHeader('Connection', 'close');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}
