/** The KMEs of a link, as `qupskd kme probe` calls them, in a line. */
import type { LinkConfig } from '../config/types.ts';
import { probeLink } from '../etsi014/probe.ts';
import type { KmeProbe, Step } from '../etsi014/probe-report.ts';
import { ok, type Verdict, warning, wrong } from './report.ts';

/** @param spendsKey - whether a key may be taken */
export async function kmeCheck(link: LinkConfig, spendsKey: boolean): Promise<readonly Verdict[]> {
  const { kmes } = await probeLink(link, { spendsKey, otherEnd: null });
  const verdicts = kmes.map(verdictOf);
  const isAnyWell = verdicts.some(({ result }) => result !== 'wrong');
  // One that works is enough: the daemon goes on with that.
  return isAnyWell ? verdicts.map(asWarning) : verdicts;
}

function verdictOf({ url, steps, settings, keysSpent }: KmeProbe): Verdict {
  const failed = steps.find(({ result }) => result === 'failed');
  if (failed !== undefined) return failureOf(url, failed, settings);
  const status = steps.find(({ step }) => step === 'Get status');
  const stock = status?.found['stock'];
  if (stock === 0) {
    const remedy = 'See in the KME why the QKD link delivers none, or wait for the next.';
    return warning('KME', `${url} has no key in store.`, remedy);
  }
  const facts = [
    stock === undefined ? 'gives keys' : `${stock} keys in store`,
    ...(keysSpent > 0 ? [`${keysSpent} spent`] : []),
  ];
  return ok('KME', `${url}: ${facts.join(', ')}`);
}

function failureOf(url: string, failed: Step, settings: readonly string[]): Verdict {
  const { step, reason, remedy, code } = failed;
  if (code === 'ERR_KME_NO_STATUS') {
    const text = `${url} does not tell its stock, so that it is not known whether it gives keys.`;
    return warning('KME', text, 'Ask it for one: qupskd doctor --spend-key.');
  }
  const fitting = settings.length === 0 ? undefined : `Write in [kme]: ${settings.join(', ')}.`;
  const todo = fitting ?? remedy ?? 'See qupskd kme probe for every step.';
  return wrong('KME', `${url}: ${step} failed: ${reason ?? 'no reason was given'}.`, todo);
}

function asWarning(verdict: Verdict): Verdict {
  return verdict.result === 'wrong' ? { ...verdict, result: 'warning' } : verdict;
}
