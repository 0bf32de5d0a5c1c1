/** `qupskd audit verify FILE...`: whether the audit log is whole. */
import { type AuditVerdict, verifyAudit } from '../audit/verify.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { printResult } from '../output.ts';
import { EXIT } from './exit.ts';

/**
 * Prints what the files hold, or the first line that is wrong.
 *
 * @param files - one chain, the oldest first
 * @param anchor - a hash that must be among the records; undefined for none
 * @returns the exit code
 * @throws QupskdError `ERR_CONFIG_UNREADABLE` for a file that cannot be read
 */
export async function auditVerify(
  files: readonly string[],
  anchor: string | undefined,
): Promise<number> {
  const verdict = await verified(files, anchor ?? null);
  const isAnchored = anchor === undefined || verdict.summary.isAnchored;
  const isWhole = verdict.fault === null && isAnchored;
  const lines = [
    ...(verdict.fault === null ? [] : [faultLine(verdict.fault)]),
    ...(isAnchored || verdict.fault !== null ? [] : ['no record has the hash that was asked for']),
    ...summaryLines(verdict),
    isWhole ? 'whole' : 'NOT WHOLE',
  ];
  await printResult(lines.map((line) => `${line}\n`).join(''));
  return isWhole ? EXIT.done : EXIT.failedStep;
}

async function verified(files: readonly string[], anchor: string | null): Promise<AuditVerdict> {
  try {
    return await verifyAudit(files, anchor);
  } catch (error) {
    throw new QupskdError(
      'ERR_CONFIG_UNREADABLE',
      `An audit file cannot be read (${errorCode(error)}).`,
      'Check the paths and permissions.',
    );
  }
}

function faultLine({ file, line, reason }: NonNullable<AuditVerdict['fault']>): string {
  return `${file} line ${line} ${reason}`;
}

function summaryLines({ summary, fault }: AuditVerdict): readonly string[] {
  const { records, starts, committed, writtenOff, healed, gaps, lost, first, last } = summary;
  if (first === null || last === null) return ['no records'];
  return [
    `${records} records${fault === null ? '' : ' before it'}, ${first.time} to ${last.time}`,
    `starts ${starts}, key_IDs committed ${committed}, written off ${writtenOff}`,
    `torn lines healed ${healed}, gaps ${gaps}, records lost in them ${lost}`,
    first.seq === 1
      ? 'from the beginning of the chain'
      : `follows record ${first.seq - 1} ${first.prev}`,
    `last ${last.seq} ${last.hash}`,
  ];
}
