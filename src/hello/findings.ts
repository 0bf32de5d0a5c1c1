/**
 * What is wrong between the two ends of a link, or only differs, in the words of an operator.
 *
 * Pure. An `error` cannot work; what works all the same is a `warning`. A text names settings and
 * numbers of both ends, which are no secret, and says where an answer was not proved to be the peer's.
 */
import type { HelloResult } from '../peer/caller.ts';
import type { HelloFacts } from '../peer/hello-message.ts';
import { printable } from '../printable.ts';

/** What a finding is about; names of settings are those of the configuration. */
export type Subject =
  | 'peer'
  | 'version'
  | 'psk'
  | 'SAE IDs'
  | 'interval'
  | 'max_key_age'
  | 'lookahead'
  | 'on_expiry'
  | 'sinks';

export interface Finding {
  readonly about: Subject;
  readonly level: 'error' | 'warning';
  /** One sentence. */
  readonly text: string;
  /** What to do: one sentence. */
  readonly remedy: string;
}

/** What came of asking the peer; see askPeer. */
export type PeerAnswer =
  | HelloResult
  /** Proved: who answers calls itself by the SAE ID of this end. */
  | { readonly type: 'swapped' };

type NoFacts = Exclude<PeerAnswer, { type: 'told' }>;

const WORD_CHARACTERS_MAX = 64;
const SECOND_MS = 1_000;
const NOT_FOUND = 404;
const SERVER_ERROR = 500;

/** Which tunnel a sink feeds; a file or a program may feed any. */
const TUNNEL_OF: Readonly<Record<string, string>> = {
  wireguard: 'WireGuard',
  'wg-set-psk': 'WireGuard',
  'strongswan-ppk': 'IPsec',
};

/** What an answer without facts says of the two ends; null: nothing but that there is none so far. */
export function findingIn(answer: NoFacts): Finding | null {
  switch (answer.type) {
    case 'swapped':
      return error(
        'SAE IDs',
        'The SAE IDs are the wrong way round: who answers at url calls itself by the SAE ID of this end.',
        'Swap local_SAE_ID and remote_SAE_ID at the end where they are wrong; ' +
          'or let url lead to the other end, if it leads back to this one.',
      );
    case 'refused':
      return refusalFinding(answer.code);
    case 'unproven':
      return unprovenFinding(answer);
    case 'silent':
      return null;
  }
}

/** What the two ends are set to that does not fit, or only differs. */
export function differencesOf(mine: HelloFacts, theirs: HelloFacts): readonly Finding[] {
  return [
    versionDifference(mine, theirs),
    intervalDifference(mine, theirs),
    ageDifference(mine, theirs),
    lookaheadDifference(mine, theirs),
    expiryDifference(mine, theirs),
    sinkDifference(mine, theirs),
  ].filter((finding) => finding !== null);
}

function refusalFinding(code: string): Finding | null {
  if (code !== 'unsupported_version' && code !== 'bad_request') return null;
  return error(
    'version',
    'The peer does not understand this version of the protocol.',
    'Upgrade the older of the two ends.',
  );
}

function unprovenFinding({ status, code }: Extract<NoFacts, { type: 'unproven' }>): Finding | null {
  if (code === 'unknown_link') {
    return error(
      'SAE IDs',
      'The peer says, without proof, that it has no link between these two SAE IDs.',
      'Let remote_SAE_ID at each end be the local_SAE_ID of the other, letter for letter.',
    );
  }
  if (code === 'unauthenticated') {
    return error(
      'psk',
      'The peer says, without proof, that the messages of this end do not authenticate.',
      'Give both ends the same psk; if they have it, see that allow and the certificates there ' +
        'admit this end (its log says which, at level debug).',
    );
  }
  // Busy, or a proxy whose other side is away for now.
  if (code !== null || status >= SERVER_ERROR) return null;
  return status === NOT_FOUND ? OLDER : strangerFinding(status);
}

const OLDER: Finding = warning(
  'version',
  'What answers at url has no /hello: it is an older version, speaks protocol 1, or is no quPSKd.',
  'Upgrade the other end, or check protocol and url.',
);

function strangerFinding(status: number): Finding {
  return error(
    'peer',
    `What answers at url is not the peer of this link, or something between changes its messages ` +
      `(HTTP status ${status}).`,
    'Check host, port and path of url, and what a proxy between does.',
  );
}

function versionDifference(mine: HelloFacts, theirs: HelloFacts): Finding | null {
  if (mine.version === theirs.version) return null;
  return warning(
    'version',
    `This end runs version ${mine.version}, the peer ${shown(theirs.version)}.`,
    'Upgrade the older one when it suits.',
  );
}

function intervalDifference(mine: HelloFacts, theirs: HelloFacts): Finding | null {
  if (mine.intervalMs === theirs.intervalMs) return null;
  return warning(
    'interval',
    `interval is ${seconds(mine.intervalMs)} here and ${seconds(theirs.intervalMs)} at the peer: ` +
      'the shorter one sets the pace.',
    'Write the same interval at both ends.',
  );
}

function ageDifference(mine: HelloFacts, theirs: HelloFacts): Finding | null {
  if (mine.maxKeyAgeMs === theirs.maxKeyAgeMs) return null;
  return warning(
    'max_key_age',
    `max_key_age is ${seconds(mine.maxKeyAgeMs)} here and ${seconds(theirs.maxKeyAgeMs)} at the ` +
      'peer: the PSK expires at one end before the other.',
    'Write the same max_key_age at both ends.',
  );
}

function lookaheadDifference(mine: HelloFacts, theirs: HelloFacts): Finding | null {
  if (mine.lookahead === theirs.lookahead) return null;
  const fewer = Math.min(mine.lookahead, theirs.lookahead);
  return warning(
    'lookahead',
    `lookahead is ${mine.lookahead} here and ${theirs.lookahead} at the peer: no more than ` +
      `${fewer} can be counted on.`,
    'Write the same lookahead at both ends.',
  );
}

function expiryDifference(mine: HelloFacts, theirs: HelloFacts): Finding | null {
  if (mine.onExpiry === theirs.onExpiry) return null;
  return warning(
    'on_expiry',
    `on_expiry is ${mine.onExpiry} here and ${shown(theirs.onExpiry)} at the peer: a tunnel that one ` +
      'end closes is closed.',
    'Write the same on_expiry at both ends.',
  );
}

/** Two ends of one tunnel feed the same kind of it; where a sink may feed any, nothing can be said. */
function sinkDifference(mine: HelloFacts, theirs: HelloFacts): Finding | null {
  const [here, there] = [tunnelsOf(mine), tunnelsOf(theirs)];
  if (here === null || there === null || here.some((tunnel) => there.includes(tunnel))) return null;
  return error(
    'sinks',
    `The sinks here feed ${here.join(' and ')}, and those of the peer ${there.join(' and ')}.`,
    'Give both ends sinks for the same tunnel.',
  );
}

function tunnelsOf({ sinks }: HelloFacts): readonly string[] | null {
  const tunnels = sinks.map((sink) => (Object.hasOwn(TUNNEL_OF, sink) ? TUNNEL_OF[sink] : null));
  const known = tunnels.filter((tunnel) => tunnel != null);
  return known.length === 0 || known.length < tunnels.length ? null : [...new Set(known)];
}

function seconds(ms: number): string {
  return `${ms / SECOND_MS} s`;
}

function shown(word: string): string {
  return printable(word, WORD_CHARACTERS_MAX);
}

function error(about: Subject, text: string, remedy: string): Finding {
  return { about, level: 'error', text, remedy };
}

function warning(about: Subject, text: string, remedy: string): Finding {
  return { about, level: 'warning', text, remedy };
}
