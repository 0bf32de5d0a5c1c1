/** What a new configuration means for links that run, and what of it only a restart can bring. */
import { describe, expect, test } from '@jest/globals';
import { formatProblem } from '../../src/config/problem.ts';
import type { Config, LinkConfig } from '../../src/config/types.ts';
import { fixedKeyProblems, planReload } from '../../src/reload-plan.ts';
import { type Edit, edited, FLAT, Folder, STRONG_PSK, STRUCTURED } from './config/toml-file.ts';

const folder = new Folder();

const CAROL = `
[[link]]
name = "carol"
remote_SAE_ID = "sae_carol"
url = "http://localhost:5557"
psk = "${STRONG_PSK}"
sink = [{ type = "file", path = "./psk/carol.key" }]
`;
const [TOP = '', BOB = ''] = STRUCTURED.split('[[link]]');
const TWO = `${STRUCTURED}${CAROL}`;

/** The plan from one text to another, by names. */
async function plan(before: string, after: string): Promise<Record<string, readonly string[]>> {
  const configs = [await folder.load(before), await folder.load(after)] as const;
  const { changed, added, removed, untouched } = planReload(configs[0].links, configs[1].links);
  const names = (links: readonly LinkConfig[]) => links.map(({ name }) => name);
  return {
    changed: names(changed),
    added: names(added),
    removed: names(removed),
    untouched: names(untouched),
  };
}

const NOTHING = { changed: [], added: [], removed: [], untouched: ['bob', 'carol'] };

describe('links', () => {
  test('of the same text are untouched', async () => {
    expect(await plan(TWO, TWO)).toEqual(NOTHING);
  });

  test('comments, defaults that are written out, and order make no difference', async () => {
    const after = `# A comment\n${TOP}${CAROL}[[link]]\ninterval = "120000ms"\nprotocol = 2${BOB}`;
    expect(await plan(TWO, after)).toEqual({ ...NOTHING, untouched: ['carol', 'bob'] });
  });

  test('one psk or another place of the same psk', async () => {
    const file = folder.write('the.psk', STRONG_PSK);
    const after = edited(TWO, [`psk = "${STRONG_PSK}"`, `psk_file = "${file}"`]);
    expect(await plan(TWO, after)).toEqual(NOTHING);
  });

  test('are added and removed by name', async () => {
    expect(await plan(STRUCTURED, TWO)).toEqual({
      ...NOTHING,
      added: ['carol'],
      untouched: ['bob'],
    });
    expect(await plan(TWO, STRUCTURED)).toEqual({
      ...NOTHING,
      removed: ['carol'],
      untouched: ['bob'],
    });
    const renamed = edited(TWO, ['name = "bob"', 'name = "bert"']);
    expect(await plan(TWO, renamed)).toEqual({
      changed: [],
      added: ['bert'],
      removed: ['bob'],
      untouched: ['carol'],
    });
  });

  test.each<[string, Edit]>([
    ['psk', [STRONG_PSK, STRONG_PSK.toUpperCase()]],
    ['longer psk', [STRONG_PSK, `${STRONG_PSK}x`]],
    ['no psk', [`psk = "${STRONG_PSK}"`, '']],
    ['peer', ['5556', '5558']],
    ['SAE ID', ['"sae_bob"', '"sae_bert"']],
    ['interval', ['name = "bob"', 'name = "bob"\ninterval = "60s"']],
    ['KME of its own', ['name = "bob"', 'name = "bob"\nkme = { url = "http://localhost:9" }']],
    ['path of its sink', ['./psk/bob.key', './psk/bert.key']],
    [
      'sink more',
      ['path = "./psk/bob.key"', 'path = "a"\n[[link.sink]]\ntype = "file"\npath = "b"'],
    ],
  ])('one with another %s is changed, and no other', async (_what, edit) => {
    const changed = { ...NOTHING, changed: ['bob'], untouched: ['carol'] };
    expect(await plan(TWO, edited(TWO, edit))).toEqual(changed);
    expect(await plan(edited(TWO, edit), TWO)).toEqual(changed);
  });

  test('what all of them share changes all of them', async () => {
    const all = { ...NOTHING, changed: ['bob', 'carol'], untouched: [] };
    expect(await plan(TWO, edited(TWO, ['12345', '12346']))).toEqual(all);
    expect(await plan(TWO, edited(TWO, ['sae_alice', 'sae_anna']))).toEqual(all);
  });

  test('a flat file and a structured one that says the same', async () => {
    const flat = FLAT.replace('./psk/alice', './psk').replace(
      'qupskd_port',
      'protocol = 2\nqupskd_port',
    );
    const structured = edited(STRUCTURED, ['[kme]', '[kme]\nmethod = "POST"']);
    expect(await plan(structured, `local_SAE_ID = "sae_alice"\n${flat}`)).toEqual({
      ...NOTHING,
      untouched: ['bob'],
    });
  });

  test('the psk of none of them is shown or wiped', async () => {
    const [before, after] = [await folder.load(TWO), await folder.load(STRUCTURED)];
    expect(JSON.stringify(planReload(before.links, after.links))).not.toContain(STRONG_PSK);
    for (const { psk } of [...before.links, ...after.links]) {
      expect(psk.reveal().toString()).toBe(STRONG_PSK);
    }
  });
});

describe('keys that are fixed', () => {
  const load = (text: string): Promise<Config> => folder.load(text);

  async function refusals(after: string, before = STRUCTURED): Promise<readonly string[]> {
    const problems = fixedKeyProblems(await load(before), await load(after));
    expect(problems.every(({ code }) => code === 'ERR_CONFIG_ENVIRONMENT')).toBe(true);
    return problems.map(({ key }) => key);
  }

  const withTable = (table: string): string => `${STRUCTURED}\n${table}\n`;

  test.each<[readonly string[], string]>([
    [['listen.port'], edited(STRUCTURED, ['port = 5555', 'port = 5550'])],
    [
      ['listen.host', 'listen.port'],
      edited(STRUCTURED, ['"localhost"\nport = 5555', '"::1"\nport = 5']),
    ],
    [['log.format'], withTable('[log]\nformat = "json"\nlevel = "debug"')],
    [['control.socket'], withTable('[control]\nsocket = "/run/other.sock"')],
    [['metrics'], withTable('[metrics]\nport = 9000')],
    [['audit'], withTable('[audit]\nfile = "/var/lib/audit.jsonl"')],
  ])('%s', async (keys, after) => {
    expect(await refusals(after)).toEqual(keys);
    expect(await refusals(STRUCTURED, after)).toEqual(keys);
  });

  test.each([
    ['the level of the log', withTable('[log]\nlevel = "debug"')],
    ['a link', TWO],
    ['what is warned of', edited(STRUCTURED, [`psk = "${STRONG_PSK}"`, 'psk = "short"'])],
  ])('%s is not', async (_what, after) => {
    expect(await refusals(after)).toEqual([]);
  });

  test('the line names the key of the file, and no value', async () => {
    const [before, after] = [await load(FLAT), await load(edited(FLAT, ['5555', '5550']))];
    expect(fixedKeyProblems(before, after).map(formatProblem)).toEqual([
      `${after.file}: qupskd_port: cannot change while the daemon runs. ` +
        'Restart the daemon for it, or write it as it was and reload.',
    ]);
  });
});
