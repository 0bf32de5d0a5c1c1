/** Numbers and times as the page writes them. Pure. */
import type { KmeReport, LinkReport, Verdict } from '../../status/report.ts';

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `34 s`, `2 min 5 s`, `3 h`: no more than two units; below a second `120 ms`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  let rest = Math.floor(ms / 1_000);
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

/** As `duration`, in whole seconds: for what counts up while somebody looks. */
export function seconds(ms: number): string {
  return ms < 1_000 ? '0 s' : duration(ms);
}

/** `09:31:07` of an ISO 8601 time in UTC. */
export function clock(iso: string): string {
  return iso.slice(11, 19);
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export const TONES: Readonly<Record<Verdict, 'good' | 'warn' | 'bad'>> = {
  protected: 'good',
  degraded: 'warn',
  'not protected': 'bad',
};

/** The KMEs of a link in a few words. */
export function kmeWords({ kmes }: KmeReport): { readonly text: string; readonly tone: string } {
  const failing = kmes.filter(({ code }) => code !== null);
  if (failing.length === 0) return { text: 'in order', tone: 'good' };
  const text =
    kmes.length === 1 ? (failing[0]?.code ?? '') : `${failing.length} of ${kmes.length} fail`;
  return { text, tone: failing.length === kmes.length ? 'bad' : 'warn' };
}

/** The sinks of a link in a few words. */
export function sinkWords({ sinks }: LinkReport): { readonly text: string; readonly tone: string } {
  const behind = sinks.filter(
    ({ state }) => state === 'not installed' || state === 'not in effect',
  );
  if (behind.length > 0) {
    const [first] = behind;
    const text =
      sinks.length === 1 ? (first?.state ?? '') : `${behind.length} of ${sinks.length} lack it`;
    return { text, tone: 'bad' };
  }
  const inEffect = sinks.filter(({ state }) => state === 'in effect').length;
  if (inEffect === 0) return { text: 'installed', tone: '' };
  return {
    text: inEffect === sinks.length ? 'in effect' : `${inEffect} of ${sinks.length} in effect`,
    tone: 'good',
  };
}

/** `412 of 1000`. */
export function stockWords({ stock: { stock, max } }: KmeReport): string {
  if (stock === null) return 'unknown';
  return max === null ? String(stock) : `${stock} of ${max}`;
}
