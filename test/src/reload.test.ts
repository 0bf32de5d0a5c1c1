/** The order in which a reload does things, and what it leaves where something stands against it. */
import { beforeEach, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';
import type { LinkConfig, OnStop } from '../../src/config/types.ts';
import { QupskdError } from '../../src/errors.ts';
import { LinkSet } from '../../src/link-set.ts';
import type { RootLog } from '../../src/log.ts';
import { Reloader } from '../../src/reload.ts';
import type { RunningLink } from '../../src/running-link.ts';
import { WireguardDevices } from '../../src/wireguard/devices.ts';
import { edited, Folder, STRONG_PSK, STRUCTURED } from './config/toml-file.ts';

const CAROL = `
[[link]]
name = "carol"
remote_SAE_ID = "sae_carol"
url = "http://localhost:5557"
psk = "${STRONG_PSK}"
sink = [{ type = "file", path = "./psk/carol.key" }]
`;
/** Bob changed, Carol added. */
const AFTER = `${edited(STRUCTURED, ['name = "bob"', 'name = "bob"\ninterval = "60s"'])}${CAROL}`;

const folder = new Folder();
let events: string[];
let made: LinkConfig[];
let links: LinkSet;
let reloader: Reloader;
/** What happens in the middle of the next stop of a link. */
let duringStop: () => void;
/** What the next link cannot be made for. */
let obstacle: QupskdError | null;
let level: string;

/** A link that only says what is done to it. */
function create(config: LinkConfig): RunningLink {
  const name = `${config.name} ${config.intervalMs}`;
  if (config.name === 'carol' && obstacle !== null) throw obstacle;
  made.push(config);
  const link: Partial<RunningLink> = {
    config,
    prepare: async () => void events.push(`prepare ${name}`),
    start: () => void events.push(`start ${name}`),
    stop: async (onStop: OnStop = config.onStop) => {
      events.push(`stop ${name} ${onStop}`);
      duringStop();
      await Promise.resolve();
      config.psk.wipe();
      events.push(`stopped ${name}`);
    },
  };
  return link as RunningLink;
}

function isWiped({ psk }: LinkConfig): boolean {
  try {
    psk.reveal();
    return false;
  } catch {
    return true;
  }
}

beforeEach(async () => {
  [events, made, obstacle, level] = [[], [], null, 'info'];
  duringStop = () => {};
  const say = (): void => {};
  const log = {
    error: say,
    warn: say,
    info: say,
    debug: say,
    setLevel: (now: string) => {
      level = now;
    },
  } as unknown as RootLog;
  const config = await folder.load(`${STRUCTURED}`);
  links = new LinkSet();
  links.replace(config.links.map(create));
  reloader = new Reloader({
    config,
    links,
    create,
    serve: (all) => {
      const names = all.map((link) => link.config.name).join();
      events.push(`serve ${names}`.trimEnd());
    },
    wireguard: new WireguardDevices(),
    log,
    notices: {
      reloading: () => void events.push('reloading'),
      reloaded: () => void events.push('reloaded'),
    },
  });
});

test('what was is left before what will be is taken; the peer is served when all is there', async () => {
  folder.write('qupskd.toml', `${AFTER}\n[log]\nlevel = "debug"\n`);
  expect(await reloader.reload()).toEqual({
    type: 'reloaded',
    added: ['carol'],
    changed: ['bob'],
    removed: [],
    untouched: 0,
  });
  expect(events).toEqual([
    'reloading',
    'serve',
    'stop bob 120000 keep',
    'stopped bob 120000',
    'prepare bob 60000',
    'prepare carol 120000',
    'serve bob,carol',
    'start bob 60000',
    'start carol 120000',
    'reloaded',
  ]);
  expect(made.map(isWiped)).toEqual([true, false, false]);
  expect(links.all.map(({ config }) => config)).toEqual(made.slice(1));
  expect(level).toBe('debug');
});

test('the next one is compared with what runs by then', async () => {
  folder.write('qupskd.toml', AFTER);
  await reloader.reload();
  expect(await reloader.reload()).toMatchObject({ type: 'reloaded', changed: [], untouched: 2 });
  folder.write('qupskd.toml', STRUCTURED);
  const back = { type: 'reloaded', changed: ['bob'], removed: ['carol'], untouched: 0 };
  expect(await reloader.reload()).toMatchObject(back);
  expect(made.map(isWiped)).toEqual([true, true, true, false]);
});

test('links that go on keep their secrets, and the copies of these are wiped', async () => {
  const before = links.get('bob');
  folder.write('qupskd.toml', `${STRUCTURED}${CAROL}`);
  expect(await reloader.reload()).toMatchObject({ added: ['carol'], untouched: 1 });
  expect(links.get('bob')).toBe(before);
  expect(made.map(isWiped)).toEqual([false, false]);
});

test('a link that cannot be made stops nothing but those that were made for nothing', async () => {
  obstacle = new QupskdError('ERR_CONFIG_UNREADABLE', 'A file is gone.', 'Bring it back.');
  folder.write('qupskd.toml', AFTER);
  const { file } = await loadConfig(`${folder.path}/qupskd.toml`);
  expect(await reloader.reload()).toEqual({
    type: 'refused',
    problems: [
      {
        code: 'ERR_CONFIG_UNREADABLE',
        file,
        key: '',
        message: 'A file is gone.',
        remedy: 'Bring it back.',
      },
    ],
  });
  expect(events).toEqual(['reloading', 'stop bob 60000 keep', 'stopped bob 60000', 'reloaded']);
  expect(made.map(isWiped)).toEqual([false, true]);
});

test('a bug is no refusal, and no reason to end', async () => {
  obstacle = new TypeError('a bug') as unknown as QupskdError;
  folder.write('qupskd.toml', AFTER);
  expect(await reloader.reload()).toEqual({ type: 'failed' });
  expect(events.at(-1)).toBe('reloaded');
  obstacle = null;
  expect(await reloader.reload()).toMatchObject({ type: 'reloaded' });
});

test('whoever asks while one waits shares it', async () => {
  folder.write('qupskd.toml', STRUCTURED);
  const first = reloader.reload();
  await Promise.resolve();
  const [second, third] = [reloader.reload(), reloader.reload()];
  expect(third).toBe(second);
  await Promise.all([first, second]);
  expect(events.filter((event) => event === 'reloading')).toHaveLength(2);
});

test('when the daemon stops in the middle nothing is started', async () => {
  let closed: Promise<void> | undefined;
  duringStop = () => {
    closed = reloader.close();
  };
  folder.write('qupskd.toml', AFTER);
  expect(await reloader.reload()).toEqual({ type: 'stopping' });
  await closed;
  expect(events).toEqual([
    'reloading',
    'serve',
    'stop bob 120000 keep',
    'stopped bob 120000',
    'reloaded',
  ]);
  // They are the daemon's to stop.
  expect(links.all.map(({ config }) => config.name)).toEqual(['bob', 'carol']);
  expect(await reloader.reload()).toEqual({ type: 'stopping' });
});
