/**
 * S5. A chain moves on by a commit, one epoch at a time, and ends only where the peer's answer to a
 * request of this end says that it is lost.
 */
import type { Chain, LinkContext } from '../../../machines/link.types.ts';
import { S5 } from '../../support/invariants/s5-monotone.ts';
import { contextOf } from '../model/end.ts';
import type { StepOutcome } from '../model/happen.ts';
import type { Request } from '../model/messages.ts';
import type { Stimulus } from '../model/stimuli.ts';
import type { Checker } from './checker.ts';

export const monotone: Checker = {
  ...S5,
  source: 'docs/protocol.md, invariants; responder, rules 1 and 2',
  step: (outcome) => {
    const { before, after, commits } = outcome;
    if (before.snapshot === null || after.snapshot === null) return null;
    const [was, is] = [contextOf(before), contextOf(after)];
    if (commits.length > 1) return 'one step commits twice';
    const chain = commits.length > 0 ? judgeCommit(outcome, was, is) : judgeStay(outcome, was, is);
    return chain ?? judgeBeginning(outcome, was, is);
  },
  fact: ({ type }, { isOver }) =>
    type === 'begins' && isOver ? 'an exchange that is over begins again' : null,
};

function judgeCommit({ commits }: StepOutcome, was: LinkContext, is: LinkContext): string | null {
  const [commit] = commits;
  if (commit === undefined) return null;
  const { chain, epoch } = commit.params;
  const next = was.chain?.id === chain ? was.chain.epoch + 1 : 1;
  if (epoch !== next) return `a commit of epoch ${epoch} where ${next} is next`;
  if (!isSame(is.chain, { id: chain, epoch })) return 'a commit that does not move the chain';
  return null;
}

/** Without a commit the chain stays, or is known to be lost. */
function judgeStay(
  { stimulus }: StepOutcome,
  { chain, protocol, exchange }: LinkContext,
  is: LinkContext,
): string | null {
  if (isSame(committed(chain), committed(is.chain))) return null;
  if (committed(is.chain) !== null) return 'the chain changes without a commit';
  if (stimulus.type === 'receive' && stimulus.message.kind === 'answer') return null;
  // Protocol 1 cannot repeat an ack: one that is not answered ends the chain.
  if (protocol === 1 && exchange?.role === 'initiator') return null;
  return `the chain is undone by ${nameOf(stimulus)}`;
}

const isSame = (a: Chain | null, b: Chain | null): boolean =>
  a?.id === b?.id && a?.epoch === b?.epoch;

/** On protocol 1 a chain is named before its first commit: nothing is undone with it. */
const committed = (chain: Chain | null): Chain | null => (chain?.epoch === 0 ? null : chain);

function nameOf(stimulus: Stimulus): string {
  if (stimulus.type === 'fire') return stimulus.timer;
  return stimulus.type === 'receive' && stimulus.message.kind === 'request'
    ? stimulus.message.body.type
    : stimulus.type;
}

/** What an end begins to serve is what was asked for, and is next. */
function judgeBeginning(
  { stimulus }: StepOutcome,
  was: LinkContext,
  is: LinkContext,
): string | null {
  const { exchange } = is;
  if (exchange?.role !== 'responder' || exchange.id === was.exchange?.id) return null;
  if (stimulus.type !== 'receive' || stimulus.message.kind !== 'request') {
    return 'an exchange is served that nobody asked for';
  }
  return is.protocol === 1 || isAsked(stimulus.message, was, is)
    ? null
    : 'another exchange is served than the one asked for, or one that is not next';
}

function isAsked({ exchange: id, body }: Request, was: LinkContext, is: LinkContext): boolean {
  const { exchange } = is;
  if (exchange?.id !== id) return false;
  switch (body.type) {
    case '/new':
      return exchange.opening === 'new' && exchange.chain === id && exchange.epoch === 1;
    case '/rotate': {
      const { chain, epoch } = body;
      const next = { id: chain, epoch: epoch - 1 };
      return exchange.chain === chain && exchange.epoch === epoch && isSame(was.chain, next);
    }
    case '/reserve': {
      const { chain, epoch } = body;
      const isThis = exchange.chain === chain && exchange.epoch === epoch;
      return exchange.opening === 'reserve' && isThis && isSame(was.chain, { id: chain, epoch });
    }
    case '/ack':
      return false;
  }
}
