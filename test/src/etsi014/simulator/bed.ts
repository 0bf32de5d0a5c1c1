/** What the tests of the test bed share: KMEs that serve, faults that are added in either form. */
import { createControl } from '../../../../src/etsi014/simulator/control.ts';
import { parseFaultText, printFault } from '../../../../src/etsi014/simulator/faults.ts';
import {
  createTestbed,
  type Testbed,
  type TestbedOptions,
} from '../../../../src/etsi014/simulator/testbed.ts';
import { atEnd } from '../../../support/ending.ts';

export const KME = { kmeId: 'kme_a', tls: null } as const;
export const PARTNER = { type: 'here', kmeId: 'kme_b', tls: null } as const;

export interface ServedTestbed extends Testbed {
  /** Of each KME. */
  readonly urls: readonly string[];
  readonly control: string;
}

export async function serveTestbed(change: Partial<TestbedOptions> = {}): Promise<ServedTestbed> {
  const common = { kme: KME, partner: null, seed: '1', caKey: null, hosts: ['127.0.0.1'] };
  const testbed = await createTestbed({ ...common, ...change });
  atEnd(() => testbed.close());
  const urls: string[] = [];
  for (const kme of testbed.kmes) urls.push((await kme.listen('127.0.0.1', 0)).url);
  const control = createControl(testbed);
  atEnd(() => control.close());
  return { ...testbed, urls, control: (await control.listen(0)).url };
}

/** The two ways in which a fault becomes active. */
export const WAYS: readonly [string, (bed: ServedTestbed, text: string) => Promise<void>][] = [
  ['an option', async (bed, text) => bed.addFault(parseFaultText(text))],
  [
    'the control endpoint',
    async (bed, text) => {
      const json = JSON.stringify(printFault(parseFaultText(text)));
      const { status } = await postJson(`${bed.control}/faults`, json);
      if (status !== 201) throw new Error(`the control endpoint answered ${status}`);
    },
  ],
];

export async function postJson(url: string, body: string): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  return await fetch(url, { method: 'POST', headers, body });
}

interface KeyEntry {
  readonly key_ID: string;
  readonly key: string;
}
type KeyEntries = readonly [KeyEntry, ...KeyEntry[]];

/** What a test expects to be there, read as if it were. */
export interface AnswerBody {
  readonly keys: KeyEntries;
  readonly Keys: KeyEntries;
  readonly stored_key_count: number;
  readonly max_key_count: number;
  readonly source_KME_ID: string;
  readonly target_KME_ID: string;
  readonly master_SAE_ID: string;
  readonly slave_SAE_ID: string;
  readonly details: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined in truth where it is not JSON. */
  readonly body: AnswerBody;
}

/** @param path - below the usual base path, or, with a slash at its start, the whole one */
export async function ask(url: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const whole = path.startsWith('/') ? path : `/api/v1/keys/${path}`;
  const response = await fetch(url + whole, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: jsonOf(text) };
}

function jsonOf(text: string): AnswerBody {
  try {
    return JSON.parse(text) as AnswerBody;
  } catch {
    return undefined as unknown as AnswerBody;
  }
}

/** The key_ID of a key that was just delivered to its master SAE. */
export async function issue(url: string, slaveSaeId = 'bob'): Promise<string> {
  const { body } = await ask(url, `${slaveSaeId}/enc_keys`);
  return body.keys[0].key_ID;
}

export const collectPath = (keyId: string): string => `alice/dec_keys?key_ID=${keyId}`;
