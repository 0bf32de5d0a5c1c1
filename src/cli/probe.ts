/** `qupskd kme probe [FILE]`: calls the KMEs of a configuration step by step, and says what it found. */
import { loadConfig } from '../config/load.ts';
import type { LinkConfig } from '../config/types.ts';
import { QupskdError } from '../errors.ts';
import { probeLink } from '../etsi014/probe.ts';
import type { LinkProbe } from '../etsi014/probe-report.ts';
import { printResult } from '../output.ts';
import { EXIT } from './exit.ts';
import { probeText } from './probe-text.ts';

export interface ProbeArguments {
  /** One link, by its name; all of them without. */
  readonly link?: string;
  readonly json?: true;
  /** False: spend no key. */
  readonly key: boolean;
  /** The other end's configuration file. */
  readonly as?: string;
}

/**
 * Probes one link after the other, and prints what it found: text as it comes, or one JSON document.
 *
 * The daemon may run meanwhile: whether the machine has room for another is not looked at.
 *
 * @returns the exit code
 * @throws ConfigError, and QupskdError `ERR_CONFIG_*` for a link that is in no file
 */
export async function probe(file: string, options: ProbeArguments): Promise<number> {
  const { form, links: all } = await loadConfig(file);
  const links = chosenLinks(all, file, options.link);
  const others = options.as === undefined ? null : (await loadConfig(options.as)).links;
  const pairs = links.map((link) => ({
    link,
    otherEnd: others && otherEndOf(link, others, options.as ?? ''),
  }));
  const probes: LinkProbe[] = [];
  for (const { link, otherEnd } of pairs) {
    const found = await probeLink(link, { spendsKey: options.key, otherEnd });
    probes.push(found);
    if (!options.json) await printResult(probeText(found, form));
  }
  const ok = probes.every(({ kmes }) => kmes.every((kme) => kme.ok));
  if (options.json) await printResult(`${JSON.stringify({ file, ok, links: probes }, null, 2)}\n`);
  return ok ? EXIT.done : EXIT.failedStep;
}

/** The link of that name, or all of them without one. @throws QupskdError `ERR_CONFIG_INVALID` */
export function chosenLinks(
  links: readonly LinkConfig[],
  file: string,
  name: string | undefined,
): readonly LinkConfig[] {
  if (name === undefined) return links;
  const chosen = links.filter((link) => link.name === name);
  if (chosen.length > 0) return chosen;
  const names = links.map((link) => link.name).join(', ');
  throw new QupskdError(
    'ERR_CONFIG_INVALID',
    `${file} has no link of that name.`,
    `Its links are: ${names}.`,
  );
}

/** The link of the other end's configuration that leads back. */
function otherEndOf(link: LinkConfig, others: readonly LinkConfig[], file: string): LinkConfig {
  const other = others.find(
    ({ localSaeId, remoteSaeId }) =>
      (link.localSaeId ?? remoteSaeId) === remoteSaeId &&
      (localSaeId ?? link.remoteSaeId) === link.remoteSaeId,
  );
  if (other !== undefined) return other;
  throw new QupskdError(
    'ERR_CONFIG_INVALID',
    `${file} has no link that is the other end of ${link.name}.`,
    'Its local_SAE_ID must be the remote_SAE_ID here, and the other way round.',
  );
}
