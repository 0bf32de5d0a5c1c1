/**
 * Whether a link is protected, in one word and one sentence.
 *
 * The first rule that applies decides. A failure that has cost nothing yet is `degraded`; where no
 * agreed PSK is in force, or one of the sinks has none, a link is `not protected`. Sinks that cannot
 * tell whether the PSK is in use are taken at their word: the sentence says so.
 */
import type { OnExpiry } from '../../machines/link.types.ts';
import type { Judgement, LinkReport, LinkSinkReport, Verdict } from './report.ts';

/** Two ends that see the same session begin have told each other by then. */
const SETTLING_MS_MAX = 15_000;

/** An exchange takes milliseconds, and with a slow KME a few seconds. */
const EXCHANGE_MS_MAX = 5_000;

/** What a verdict rests on. */
export type Evidence = Pick<
  LinkReport,
  'state' | 'exchange' | 'failures' | 'complaint' | 'psk' | 'tunnel' | 'sinks'
>;

const SEVERITY: readonly Verdict[] = ['protected', 'degraded', 'not protected'];

const EXPIRED: Readonly<Record<OnExpiry, string>> = {
  random: 'a random one is in its place, so that no session can begin',
  keep: 'the old PSK stays in use',
  remove: 'it is taken out of the sinks',
};

/** The verdict on one link. */
export function judgeLink(evidence: Evidence): Judgement {
  return (
    judgeAgreement(evidence) ?? judgeOpen(evidence) ?? judgeSinks(evidence) ?? judgeTunnel(evidence)
  );
}

/** What the machine alone tells; null where it is in order. */
function judgeAgreement(evidence: Evidence): Judgement | null {
  const { state, psk, tunnel } = evidence;
  if (state === 'broken') {
    return no('The link machine broke, which is a bug: restart the daemon, and report the log.');
  }
  if (psk.state === 'none') {
    const isOpen = tunnel.protection === 'exposed';
    const open = isOpen ? ', and the tunnel carries traffic without one' : '';
    return no(`No PSK was agreed since the start${open}${because(evidence)}.`);
  }
  if (psk.state !== 'expired') return null;
  return no(`The PSK has expired and ${EXPIRED[psk.onExpiry]}${because(evidence)}.`);
}

/** An open tunnel is worse than a sink that is behind; null where it is not open. */
function judgeOpen({ tunnel, sinks }: Evidence): Judgement | null {
  if (tunnel.protection !== 'exposed') return null;
  if (sinks.some(({ state }) => state === 'not installed')) return judgeProof(tunnel);
  return no(
    'The tunnel carries traffic in a session that began without an agreed PSK; ' +
      'the PSK is installed, and the next session begins under it: within two minutes.',
  );
}

/** What the delivery to the sinks tells; null where every sink has the newest PSK. */
function judgeSinks({ psk, sinks }: Evidence): Judgement | null {
  const isOld = ({ pskAgeMs }: LinkSinkReport): boolean =>
    pskAgeMs === null || pskAgeMs > psk.maxKeyAgeMs;
  const behind = sinks.filter(({ state }) => state === 'not installed');
  const lost = behind.find(isOld);
  if (lost !== undefined) return no(`The sink ${lost.label} has no agreed PSK that is in force.`);
  const [late] = behind;
  if (late === undefined) return null;
  return degraded(
    `The sink ${late.label} does not hold the newest PSK: it did not take it, and is tried again; ` +
      'or something else has set another, which the next rotation replaces.',
  );
}

/** What the sessions of the tunnel tell, and whether the next PSK is in sight. */
function judgeTunnel(evidence: Evidence): Judgement {
  const { tunnel, failures, exchange } = evidence;
  const proof = judgeProof(tunnel);
  if (proof.verdict !== 'protected') return proof;
  const times = failures === 1 ? 'once' : `${failures} times`;
  if (failures > 0) {
    return degraded(`The PSK is in force, but its rotation failed ${times}${because(evidence)}.`);
  }
  // What lays a key by keeps no PSK from being replaced.
  const isRotation = exchange !== null && exchange.opening !== 'reserve';
  if (!isRotation || exchange.lastsMs <= EXCHANGE_MS_MAX) return proof;
  return degraded(`The PSK is in force, but its rotation takes long${because(evidence)}.`);
}

function judgeProof({ protection, sinceMs, peer, alarm }: Evidence['tunnel']): Judgement {
  const isSettling = sinceMs <= SETTLING_MS_MAX;
  switch (protection) {
    case 'protected':
      return yes('Both ends have seen a session begin under the PSK.');
    case 'renewing':
      return alarm === null
        ? yes(
            'The newest PSK waits for the next session; the present one runs under the one before.',
          )
        : degraded('The newest PSK does not take effect, though there is traffic.');
    case 'here':
      if (peer === 'unsupported')
        return yes('A session began under the PSK; the peer cannot tell.');
      return isSettling
        ? yes('A session began under the PSK at this end.')
        : degraded('A session began under the PSK at this end, but the other end has not said so.');
    case 'there':
      return isSettling
        ? yes('A session began under the PSK at the other end.')
        : degraded('The other end says that a session began under the PSK; this end saw none.');
    case 'installed':
      return degraded(
        alarm === null
          ? 'The PSK is installed and waits for a session to begin: with traffic, within two minutes.'
          : 'The PSK does not take effect, though there is traffic.',
      );
    case 'unproven':
      return yes('The PSK is installed; its sinks cannot tell whether it is in use.');
    case 'exposed':
      return no('The tunnel carries traffic without an agreed PSK.');
    case 'none':
      return no('The sinks hold no agreed PSK that is in force.');
  }
}

/** The verdict on all links together. */
export function judgeAll(links: readonly (Judgement & { readonly name: string })[]): Judgement {
  const worst = SEVERITY[Math.max(0, ...links.map(({ verdict }) => SEVERITY.indexOf(verdict)))];
  if (worst === undefined || worst === 'protected') {
    return { verdict: 'protected', reason: 'Every link is protected.' };
  }
  const those = links.filter(({ verdict }) => verdict === worst);
  const [first] = those;
  const more = those.length > 1 ? ` (and ${those.length - 1} more)` : '';
  return { verdict: worst, reason: `${first?.name}${more}: ${first?.reason}` };
}

/** For the end of a sentence. */
function because({ complaint }: Evidence): string {
  return complaint === null ? '' : `: ${complaint}`;
}

function yes(reason: string): Judgement {
  return { verdict: 'protected', reason };
}

function no(reason: string): Judgement {
  return { verdict: 'not protected', reason };
}

function degraded(reason: string): Judgement {
  return { verdict: 'degraded', reason };
}
