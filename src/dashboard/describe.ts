/** What happens on a link in the words of the event log. */
import type { ExchangeResult, LinkHappening } from '../link-observer.ts';
import type { LogEntry } from './messages.ts';

export type Words = Pick<LogEntry, 'tone' | 'text'>;

const RESULTS: Readonly<Record<Exclude<ExchangeResult, 'committed'>, Words>> = {
  'laid-by': { tone: 'good', text: 'a key was laid by for a time without the KME' },
  superseded: { tone: 'plain', text: 'another exchange took its place' },
  'no-offer': { tone: 'bad', text: 'the exchange failed: the peer offered nothing' },
  'no-key': { tone: 'bad', text: 'the exchange failed: the KME gave no key' },
  'no-ack': { tone: 'bad', text: 'the exchange failed: the peer did not acknowledge it' },
  'no-confirmation': { tone: 'bad', text: 'the exchange failed: the peer did not confirm it' },
};

const EXPIRIES = {
  random: 'the PSK has expired; a random one closes the tunnel',
  keep: 'the PSK has expired, and stays in use',
  remove: 'the PSK has expired, and was removed',
} as const;

/** @returns null for what is no news to an operator */
export function describe(happening: LinkHappening): Words | null {
  switch (happening.type) {
    case 'moved': {
      const { region, from, to, event } = happening;
      return { tone: 'step', text: `${region}: ${from} → ${to} (${event})` };
    }
    case 'opened':
      return { tone: 'step', text: `exchange begins as ${happening.role} (${happening.opening})` };
    case 'ended':
      return happening.result === 'committed' ? null : RESULTS[happening.result];
    case 'committed': {
      const { epoch, role, keyId } = happening;
      return { tone: 'good', text: `epoch ${epoch} committed as ${role}, key_ID ${keyId}` };
    }
    case 'written-off':
      return { tone: 'plain', text: `a key was written off: ${happening.keyId ?? 'name unknown'}` };
    case 'expired':
      return { tone: 'bad', text: EXPIRIES[happening.onExpiry] };
    case 'alarmed':
      return { tone: 'bad', text: `the peer does not fit: ${happening.reason}` };
    case 'refused':
      return { tone: 'plain', text: `a request was refused: ${happening.code}` };
    case 'sink-answered': {
      const { sink, code } = happening;
      return code === null
        ? { tone: 'step', text: `${sink} has taken the PSK` }
        : { tone: 'bad', text: `${sink} did not take the PSK: ${code}` };
    }
    case 'kme-called': {
      const { method, status, code } = happening;
      if (code === null) return null;
      const answer = status === null ? 'no answer' : `status ${status}`;
      return { tone: 'bad', text: `${method} failed: ${code}, ${answer}` };
    }
    case 'laid-by':
    case 'timer-set':
      return null;
  }
}
