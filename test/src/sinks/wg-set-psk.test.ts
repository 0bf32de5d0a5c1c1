import { describe, expect, test } from '@jest/globals';
import { WgSetPskSink } from '../../../src/sinks/wg-set-psk.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { type FakeProgram, fakeProgram, orderOf, PEER, PSK, WRONG_PSKS } from './fake-program.ts';

const sinkOf = ({ path }: FakeProgram): WgSetPskSink =>
  new WgSetPskSink({ type: 'wg-set-psk', interface: 'wg0_bob', publicKey: PEER, program: path });

describe('install', () => {
  test('argv IFACE PUBKEY, the key on standard input without a newline', async () => {
    const program = fakeProgram();
    await sinkOf(program).install(orderOf(PSK), NEVER);
    const [call] = program.calls();
    expect(call?.argv).toEqual(['wg0_bob', PEER]);
    expect(call?.stdin.toString('latin1')).toBe(PSK.toString('base64'));
    expect(plantedIn([...(call?.environment ?? [])].join(' '), PSK)).toEqual([]);
  });

  test.each(WRONG_PSKS)('a PSK that is %s: nothing is run', async (_, bytes) => {
    const program = fakeProgram();
    await failureOf(sinkOf(program).install(orderOf(bytes), NEVER));
    expect(program.calls()).toEqual([]);
  });

  test('its exit code counts', async () => {
    const program = fakeProgram('echo "Peer not found" >&2; exit 101');
    const error = await failureOf(sinkOf(program).install(orderOf(PSK), NEVER));
    expect(error.code).toBe('ERR_SINK_FAILED');
    expect(error.message).toBe(`${program.path} ended with exit code 101: Peer not found`);
    expect(plantedIn(shown(error), PSK)).toEqual([]);
  });
});

test('remove gives a random PSK, each time another, never an empty input and never none', async () => {
  const program = fakeProgram();
  for (let time = 0; time < 2; time += 1) await sinkOf(program).remove(NEVER);
  const given = program.calls().map(({ stdin }) => stdin.toString('latin1'));
  expect(program.calls()[0]?.argv).toEqual(['wg0_bob', PEER]);
  expect(new Set(given).size).toBe(2);
  for (const text of given) {
    expect(Buffer.from(text, 'base64')).toHaveLength(32);
    expect(text).not.toBe(`${'A'.repeat(43)}=`);
  }
});
