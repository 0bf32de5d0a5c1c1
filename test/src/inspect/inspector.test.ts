/** Two daemons agree with inspectors attached: what the viewer gets of it, and that no key is in it. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StatelyInspectionEvent } from '@statelyai/inspect';
import { linkMachine } from '../../../machines/link.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { startDaemon } from '../../../src/daemon.ts';
import { Hub } from '../../../src/inspect/hub.ts';
import { inspectorFor } from '../../../src/inspect/inspector.ts';
import { createLog } from '../../../src/log.ts';
import { atEnd, endAll } from '../../support/ending.ts';
import { makeFolder } from '../../support/folders.ts';
import { freePort } from '../../support/programs/ports.ts';
import { printToml } from '../../support/programs/toml.ts';
import { FakeKme } from '../../support/secrets/fake-kme.ts';
import { SecretSearch } from '../../support/secrets/search.ts';
import { until } from '../../support/until.ts';

const PSK = 'PLANTED-psk-of-two-inspected-daemons';
const INTERVAL_MS = 300;
/** The first PSK has been replaced twice. */
const ROTATED_EPOCH = 3;
const ENDS = ['alice', 'bob'] as const;

afterAll(endAll);

interface Inspected {
  readonly events: readonly StatelyInspectionEvent[];
  readonly search: SecretSearch;
}

/** Runs two daemons until both have agreed and rotated. */
async function inspectedRotation(): Promise<Inspected> {
  const folder = makeFolder();
  const kme = await FakeKme.start();
  atEnd(() => kme.close());
  const ports = { alice: await freePort(), bob: await freePort() };
  const hub = new Hub();
  const events: StatelyInspectionEvent[] = [];
  hub.subscribe((event) => events.push(event));
  const search = new SecretSearch();
  search.add('the psk', Buffer.from(PSK));

  for (const [index, end] of ENDS.entries()) {
    const other = ENDS[1 - index] ?? end;
    const file = join(folder, `${end}.toml`);
    const settings = {
      protocol: 2,
      local_SAE_ID: `sae_${end}`,
      remote_SAE_ID: `sae_${other}`,
      qupskd_bind: '127.0.0.1',
      qupskd_port: ports[end],
      remote_qupskd_url: `http://127.0.0.1:${ports[other]}`,
      etsi_url: kme.url,
      psk: PSK,
      key_folder: join(folder, end),
      alias: other,
      interval: `${INTERVAL_MS}ms`,
    };
    await writeFile(file, printToml(settings), { mode: 0o600 });
    const log = createLog({ level: 'error', format: 'json' });
    const options = { log, inspect: inspectorFor(hub, `sae_${end}`) };
    const daemon = await startDaemon(await loadConfig(file), options);
    atEnd(() => daemon.stop());
  }
  await until(() => events.some((event) => epochOf(event) === ROTATED_EPOCH));
  for (const key of kme.keys.values()) search.add('a key of the KME', key);
  const psk = readFileSync(join(folder, 'alice', 'bob.key'), 'utf8');
  search.add('a PSK', Buffer.from(psk, 'base64'));
  return { events, search };
}

/** Of the chain that a link's snapshot holds. */
function epochOf(event: StatelyInspectionEvent): number | undefined {
  if (event.type !== '@xstate.snapshot' || !('context' in event.snapshot)) return undefined;
  return (event.snapshot.context as { chain?: { epoch: number } | null }).chain?.epoch;
}

describe('inspector', () => {
  let events: Inspected['events'];
  let search: SecretSearch;

  beforeAll(async () => {
    ({ events, search } = await inspectedRotation());
  });

  test('an agreement is shown from end to end, and no secret of it', () => {
    const links = events.filter(
      (event) => event.type === '@xstate.actor' && event.parentId === undefined,
    );
    expect(links).toMatchObject([
      { name: 'sae_alice · link bob' },
      { name: 'sae_bob · link alice' },
    ]);
    const all = JSON.stringify(events);
    for (const seen of ['xstate.done.actor.getKeyWithKeyIds', 'delivered', 'awaiting-ack']) {
      expect(all).toContain(seen);
    }
    expect(search.find(all)).toEqual([]);
  });

  test('the machine is shown as it is written, its states in the order of the protocol', () => {
    const link = events.find(({ type }) => type === '@xstate.actor');
    const { states } = JSON.parse((link as { definition: string }).definition);
    const { agreement } = linkMachine.config.states ?? {};
    expect(Object.keys(states.agreement.states)).toEqual(Object.keys(agreement?.states ?? {}));
    expect(states.agreement.states.rotating.states.serving.on['peer.requestedRotate'][0]).toEqual(
      expect.objectContaining({ guard: 'isPendingAndFull', description: expect.any(String) }),
    );
  });
});
