/**
 * What a mutant is: the production machine with one guard or memory replaced (`provide`), or with one
 * place of its table changed (`edited`).
 */
import { type LinkMachine, linkMachine } from '../../machines/link.ts';
import type { Checker } from './checkers/checker.ts';
import type { Exploration } from './options.ts';

export interface Mutant {
  readonly name: string;
  /** What the machine does wrong. */
  readonly fault: string;
  readonly machine: LinkMachine;
  /** The invariant that is broken first. */
  readonly breaks: Checker['id'];
  /** What has to be explored beyond the smallest product. */
  readonly options?: Partial<Exploration>;
  /** Where it takes more states than most. */
  readonly statesMax?: number;
}

type Provided = Parameters<typeof linkMachine.provide>[0];

export const provided = (implementations: Provided): LinkMachine =>
  linkMachine.provide(implementations) as LinkMachine;
