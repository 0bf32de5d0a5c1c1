/** An audit log in a folder of its own, and what is in its file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog, type AuditLogOptions, type Entry } from '../../../src/audit/audit-log.ts';
import { type AuditRecord, readLine } from '../../../src/audit/record.ts';
import type { Log, LogFields } from '../../../src/log.ts';
import { makeFolder } from '../../support/folders.ts';

export interface Told {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export class AuditBench {
  readonly folder = makeFolder();
  readonly file = join(this.folder, 'audit.log');
  readonly told: Told[] = [];

  open(options: Partial<AuditLogOptions> = {}): AuditLog {
    return new AuditLog({ file: this.file, log: this.#log, ...options });
  }

  /** Opens the log, writes these records, and closes it. */
  async write(...entries: readonly Entry[]): Promise<void> {
    const audit = this.open();
    for (const entry of entries) audit.record(entry);
    await audit.close();
  }

  get text(): string {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8') : '';
  }

  /** The lines that are records. */
  get records(): readonly AuditRecord[] {
    return this.text
      .split('\n')
      .map((line) => readLine(Buffer.from(line)))
      .filter((record) => typeof record !== 'string');
  }

  get events(): readonly string[] {
    return this.records.map(({ event }) => event);
  }

  get #log(): Log {
    const at =
      (level: string) =>
      (message: string, fields: LogFields = {}): void => {
        this.told.push({ level, message, fields });
      };
    const log: Log = {
      error: at('error'),
      warn: at('warn'),
      info: at('info'),
      debug: at('debug'),
      child: () => log,
    };
    return log;
  }
}

/** A commit of the key with this number. */
export function commit(number: number, link = 'bob'): Entry {
  const key = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const chain = 'c0b6ad3f-57c9-4a52-a6a6-6a6f9b1c9a10';
  return { event: 'committed', link, key_ID: key, chain, epoch: number, role: 'initiator' };
}
