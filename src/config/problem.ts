/**
 * What is wrong with a configuration, collected and printed one line each.
 *
 * A problem names file, key and remedy and never the value: any value may be a secret that slipped
 * into the wrong key. Everything found is reported at once, so that an operator mends a file in one
 * go.
 */
import { type ErrorCode, QupskdError } from '../errors.ts';
import { printable } from '../printable.ts';

export interface Problem {
  readonly code: ErrorCode;
  readonly file: string;
  /** Dotted path as the operator wrote it, `link[0].sink[1].path`; empty for the file as a whole. */
  readonly key: string;
  /** Continues the key as a sentence: "is missing." */
  readonly message: string;
  /** What to do, one sentence. */
  readonly remedy: string;
}

const LINE_CHARACTERS_MAX = 1_000;

/** One line, without a newline. */
export function formatProblem({ file, key, message, remedy }: Problem): string {
  const place = key === '' ? file : `${file}: ${key}`;
  return printable(`${place}: ${message} ${remedy}`, LINE_CHARACTERS_MAX);
}

/** A configuration that quPSKd does not start with; its message is all problems, a line each. */
export class ConfigError extends QupskdError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly [Problem, ...Problem[]]) {
    super(problems[0].code, problems.map(formatProblem).join('\n'), problems[0].remedy);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** @throws ConfigError when there is at least one problem */
export function throwIfAny([first, ...rest]: readonly Problem[]): void {
  if (first !== undefined) throw new ConfigError([first, ...rest]);
}

/** Gathers problems and warnings while a file is read. */
export class Report {
  readonly problems: Problem[] = [];
  /** What is allowed but weak, one line each, without the file. */
  readonly warnings: string[] = [];
  readonly #file: string;
  readonly #nameOf: (path: string) => string;

  /**
   * @param nameOf - turns a path of the structured form into the key that the operator wrote
   */
  constructor(file: string, nameOf: (path: string) => string) {
    this.#file = file;
    this.#nameOf = nameOf;
  }

  /** The key as the operator wrote it. */
  nameOf(path: string): string {
    return this.#nameOf(path);
  }

  problem(
    path: string,
    message: string,
    remedy: string,
    code: ErrorCode = 'ERR_CONFIG_INVALID',
  ): void {
    this.problems.push({ code, file: this.#file, key: this.nameOf(path), message, remedy });
  }

  warning(path: string, message: string, remedy: string): void {
    this.warnings.push(`${this.nameOf(path)}: ${message} ${remedy}`);
  }
}
