/** The table [dashboard]: off without, on this machine alone unless there is TLS, and its token. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigError, formatProblem } from '../../../src/config/problem.ts';
import { makeFolder } from '../../support/folders.ts';
import { edited, FLAT, Folder, STRUCTURED } from './toml-file.ts';

const folder = new Folder();
const FLAT_2 = edited(FLAT, ['alias', 'protocol = 1\nalias']);
const TOKEN = 'a token of more than twenty bytes';

function tokenFile(text: string, mode = 0o600): string {
  const file = join(makeFolder(), 'token');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

async function refusalOf(table: string): Promise<string> {
  const refusal = await folder
    .load(`${STRUCTURED}\n[dashboard]\n${table}\n`)
    .catch((error: unknown) => error);
  if (!(refusal instanceof ConfigError)) throw new Error('it was not refused');
  return refusal.problems.map(formatProblem).join('\n');
}

describe.each([
  ['the structured form', STRUCTURED],
  ['the flat form', FLAT_2],
])('in %s', (_form, base) => {
  test('it is off, until its table turns it on for this machine', async () => {
    expect(await folder.load(base)).toMatchObject({ dashboard: null });
    const { dashboard } = await folder.load(`${base}\n[dashboard]\n`);
    expect(dashboard).toEqual({ host: '127.0.0.1', port: 8015, tls: null, token: null });
  });
});

test('its token comes from a file', async () => {
  const file = JSON.stringify(tokenFile(`${TOKEN}\n`));
  const { dashboard } = await folder.load(`${STRUCTURED}\n[dashboard]\ntoken_file = ${file}\n`);
  expect(dashboard?.token?.reveal().toString()).toBe(TOKEN);
});

test.each<[string, () => string, string]>([
  ['for others without TLS', () => 'host = "0.0.0.0"', 'dashboard.host: is not this machine alone'],
  ['on the port of the peer API', () => 'port = 5555', 'dashboard.port: is that of [listen]'],
  ['with half of TLS', () => 'cert = "/nowhere.pem"', 'dashboard.key: is missing: cert, key go'],
  ['without its file', () => 'token_file = "/nowhere"', 'dashboard.token_file: cannot be read'],
  [
    'with a token for everybody',
    () => `token_file = ${JSON.stringify(tokenFile(TOKEN, 0o644))}`,
    'dashboard.token_file: is open to other users',
  ],
  [
    'with a token that can be guessed',
    () => `token_file = ${JSON.stringify(tokenFile('short'))}`,
    'is shorter than 20 bytes',
  ],
  ['with a token in the configuration', () => `token = "${TOKEN}"`, 'dashboard.token: is not a'],
])('%s it is refused', async (_what, table, reason) => {
  const refusal = await refusalOf(table());
  expect(refusal).toContain(reason);
  expect(refusal).not.toContain(TOKEN);
});
