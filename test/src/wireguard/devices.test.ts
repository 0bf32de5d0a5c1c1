import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { type InterfaceTarget, WireguardDevices } from '../../../src/wireguard/devices.ts';
import { UapiDevice } from '../../../src/wireguard/uapi-device.ts';
import { WgDevice } from '../../../src/wireguard/wg-device.ts';
import { NEVER } from '../../support/never.ts';
import { until } from '../../support/until.ts';
import { FakeUapi } from './fake-uapi.ts';

let uapi: FakeUapi;
let said: string[];
let devices: WireguardDevices;

const target = (change: Partial<InterfaceTarget> = {}): InterfaceTarget => ({
  interface: 'wg0',
  via: 'auto',
  program: 'wg',
  ...change,
});

const kindAt = (at: InterfaceTarget): Promise<unknown> =>
  devices.use(at, NEVER, (device) => Promise.resolve(device.constructor));

beforeEach(() => {
  uapi = new FakeUapi();
  said = [];
  devices = new WireguardDevices({
    socketFolder: uapi.folder,
    onVia: (name, way) => said.push(`${name} ${way}`),
  });
});

describe('the way to an interface', () => {
  test('auto: its socket where it has one, else wg; said once, and again when it changes', async () => {
    expect(await kindAt(target())).toBe(WgDevice);
    expect(await kindAt(target())).toBe(WgDevice);
    await uapi.listen('wg0');
    expect(await kindAt(target())).toBe(UapiDevice);
    expect(await kindAt(target())).toBe(UapiDevice);
    expect(await kindAt(target({ interface: 'wg1' }))).toBe(WgDevice);
    expect(said).toEqual(['wg0 wg', 'wg0 uapi', 'wg1 wg']);
  });

  test('as configured, whatever is there', async () => {
    expect(await kindAt(target({ via: 'uapi' }))).toBe(UapiDevice);
    await uapi.listen('wg0');
    expect(await kindAt(target({ via: 'wg' }))).toBe(WgDevice);
  });

  test('a socket that nobody listens on any more is none', async () => {
    const path = join(uapi.folder, 'wg0.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)})`;
    const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
    await until(() => existsSync(path));
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(path)).toBe(true);
    expect(await kindAt(target())).toBe(WgDevice);
  });
});

test('one interface does not wait for another', async () => {
  const order: string[] = [];
  let open = (): void => {};
  const slow = devices.use(target(), NEVER, async () => {
    await new Promise<void>((resolve) => {
      open = resolve;
    });
    order.push('slow');
  });
  await devices.use(target({ interface: 'wg1' }), NEVER, () => {
    order.push('other');
    return Promise.resolve();
  });
  await until(() => {
    open();
    return order.length === 2;
  });
  await slow;
  expect(order).toEqual(['other', 'slow']);
});
