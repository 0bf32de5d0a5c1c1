/**
 * What an authenticated hello tells of the two ends: versions, psk, SAE IDs, settings.
 *
 * The hello says that nobody's daemon asks, so that the peer keeps nothing of it.
 */
import type { LinkConfig } from '../config/types.ts';
import { askPeer } from '../hello/ask.ts';
import { factsOf } from '../hello/facts.ts';
import { differencesOf, findingIn, type PeerAnswer } from '../hello/findings.ts';
import { Authenticator } from '../peer/auth.ts';
import { Protocol2Client } from '../peer/client-protocol-2.ts';
import type { HelloFacts } from '../peer/hello-message.ts';
import { protocolAt } from './reach.ts';
import { type CheckName, ofFinding, ok, type Verdict, warning, wrong } from './report.ts';

const CALL_MS_MAX = 5_000;
const NEVER = new AbortController().signal;

/** @param version - of this program */
export async function helloChecks(link: LinkConfig, version: string): Promise<readonly Verdict[]> {
  const { localSaeId } = link;
  if (link.protocol === 1 || localSaeId === null) return await protocol1Checks(link);
  const mine = factsOf(link, version);
  const answer = await ask({ ...link, localSaeId }, mine);
  if (answer.type === 'told') return factChecks({ ...link, localSaeId }, mine, answer.facts);
  const pskIsProved = answer.type === 'swapped' ? [pskCheck(link)] : [];
  return [...pskIsProved, await problemIn(answer, link)];
}

type NamedLink = LinkConfig & { readonly localSaeId: string };

async function ask(link: NamedLink, facts: HelloFacts): Promise<PeerAnswer> {
  const authenticator = new Authenticator(link);
  const client = new Protocol2Client({ ...link, authenticator, totalTimeoutMs: CALL_MS_MAX });
  try {
    return await askPeer(client, facts, false, NEVER);
  } finally {
    client.close();
    authenticator.wipe();
  }
}

function factChecks(link: NamedLink, mine: HelloFacts, theirs: HelloFacts): readonly Verdict[] {
  const found = differencesOf(mine, theirs).map(ofFinding);
  const of = (check: CheckName): readonly Verdict[] =>
    found.filter((verdict) => verdict.check === check);
  const orElse = (verdicts: readonly Verdict[], fine: Verdict): readonly Verdict[] =>
    verdicts.length > 0 ? verdicts : [fine];
  return [
    ...orElse(of('version'), ok('version', `${mine.version} at both ends`)),
    pskCheck(link),
    ok('SAE IDs', `${link.localSaeId} here, ${link.remoteSaeId} there`),
    ...orElse(of('settings'), ok('settings', 'the same at both ends')),
  ];
}

/** To be called where the peer has proved what it holds. */
function pskCheck({ psk }: Pick<LinkConfig, 'psk'>): Verdict {
  return ok('psk', psk.length > 0 ? 'the same at both ends' : 'none at both ends');
}

async function problemIn(
  answer: Exclude<PeerAnswer, { type: 'told' }>,
  link: LinkConfig,
): Promise<Verdict> {
  const finding = findingIn(answer);
  if (finding?.about === 'version' && answer.type === 'unproven') {
    return versionCheck(await protocolAt(link));
  }
  if (finding !== null) return ofFinding(finding);
  if (answer.type === 'silent') {
    const text = `What answers at url gives no answer to a hello (${answer.reason}).`;
    return wrong('peer', text, 'Check url, and what a proxy between does with POST.');
  }
  const remedy = 'Ask again in a minute.';
  return warning('peer', 'The peer is there, but does not answer a hello just now.', remedy);
}

/** @param protocol - of what answers at url without a hello */
function versionCheck(protocol: 1 | 2 | null): Verdict {
  switch (protocol) {
    case 1:
      return wrong(
        'version',
        'The peer speaks protocol 1 there, and this end protocol 2.',
        'Write protocol = 2 and local_SAE_ID at the other end, or protocol = 1 at this one.',
      );
    case 2:
      return warning(
        'version',
        'The peer runs an older version without a hello: nothing can be compared.',
        'Upgrade it.',
      );
    case null:
      return wrong(
        'peer',
        'What answers at url is no quPSKd, or has it below another path.',
        'Check host, port and path of url.',
      );
  }
}

async function protocol1Checks(link: LinkConfig): Promise<readonly Verdict[]> {
  if ((await protocolAt(link)) === 2) {
    return [
      wrong(
        'version',
        'The peer speaks protocol 2 there, and this end protocol 1.',
        'Write protocol = 2 and local_SAE_ID at this end too, or protocol = 1 at the other one.',
      ),
    ];
  }
  const text = 'Protocol 1 has no hello: psk, SAE IDs and settings of the ends cannot be compared.';
  return [warning('version', text, 'Where both ends are this quPSKd, use protocol 2.')];
}
