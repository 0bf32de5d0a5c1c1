/** The tables [listen], [log] and [control]. */
import { choice, HOST_FIELD, PORT_FIELD, SOCKET_FIELD } from './fields.ts';
import type { Report } from './problem.ts';
import { isComplete, optional, readTable } from './table.ts';
import { serverTls, TLS_FIELDS } from './tls.ts';
import type { ControlConfig, ListenConfig, LogConfig } from './types.ts';

const LISTEN_FIELDS = { host: HOST_FIELD, port: PORT_FIELD, ...TLS_FIELDS } as const;

const LOG_FIELDS = {
  level: optional(choice('info', 'debug', 'warn', 'error'), 'info'),
  format: optional(choice('text', 'json'), 'text'),
} as const;

const CONTROL_FIELDS = { socket: optional(SOCKET_FIELD, null) } as const;

/**
 * Reads [listen].
 *
 * @param raw - decoded TOML, untrusted
 * @returns undefined where something was refused
 */
export function readListen(raw: unknown, report: Report): ListenConfig | undefined {
  const draft = readTable(raw, LISTEN_FIELDS, 'listen', report);
  const tls = serverTls(draft, 'listen', report);
  if (!isComplete(draft, LISTEN_FIELDS)) return undefined;
  return { host: draft.host, port: draft.port, tls };
}

/**
 * Reads [log], which may be missing.
 *
 * @param raw - decoded TOML, untrusted
 * @returns undefined where something was refused
 */
export function readLog(raw: unknown, report: Report): LogConfig | undefined {
  const draft = readTable(raw ?? {}, LOG_FIELDS, 'log', report);
  return isComplete(draft, LOG_FIELDS) ? draft : undefined;
}

/**
 * Reads [control], which may be missing.
 *
 * @param raw - decoded TOML, untrusted
 * @returns undefined where something was refused
 */
export function readControl(raw: unknown, report: Report): ControlConfig | undefined {
  const draft = readTable(raw ?? {}, CONTROL_FIELDS, 'control', report);
  return isComplete(draft, CONTROL_FIELDS) ? draft : undefined;
}
