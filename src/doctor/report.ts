/** What `qupskd doctor` finds: plain data, which is printed as it is by `--json`. No secret in it. */
import type { Problem } from '../config/problem.ts';
import type { Finding, Subject } from '../hello/findings.ts';

export type CheckName =
  | 'configuration'
  | 'files'
  | 'certificates'
  | 'ports'
  | 'KME'
  | 'peer'
  | 'version'
  | 'psk'
  | 'SAE IDs'
  | 'settings'
  | 'sinks'
  | 'clock'
  | 'rotation';

export interface Check {
  readonly check: CheckName;
  /** null: of the daemon, for all its links. */
  readonly link: string | null;
  /** `wrong`: it cannot work so. `warning`: it works, or cannot be told. */
  readonly result: 'ok' | 'warning' | 'wrong';
  /** What was found, in one sentence; short where it is ok. */
  readonly text: string;
  /** What to do: one sentence; null where there is nothing to be done. */
  readonly remedy: string | null;
}

/** A check before it is known whose it is. */
export type Verdict = Omit<Check, 'link'>;

/** The check to which a finding between the two ends belongs. */
const CHECK_OF: Readonly<Record<Subject, CheckName>> = {
  peer: 'peer',
  version: 'version',
  psk: 'psk',
  'SAE IDs': 'SAE IDs',
  interval: 'settings',
  max_key_age: 'settings',
  lookahead: 'settings',
  on_expiry: 'settings',
  sinks: 'settings',
};

export function ok(check: CheckName, text: string): Verdict {
  return { check, result: 'ok', text, remedy: null };
}

export function warning(check: CheckName, text: string, remedy: string | null): Verdict {
  return { check, result: 'warning', text, remedy };
}

export function wrong(check: CheckName, text: string, remedy: string): Verdict {
  return { check, result: 'wrong', text, remedy };
}

export function ofFinding({ about, level, text, remedy }: Finding): Verdict {
  const check = CHECK_OF[about];
  return level === 'error' ? wrong(check, text, remedy) : warning(check, text, remedy);
}

/** What a look at the machine has found; nothing where nothing was. */
export function ofProblems(check: CheckName, problems: readonly Problem[]): readonly Verdict[] {
  return problems.map(({ key, message, remedy }) => wrong(check, `${key} ${message}`, remedy));
}
