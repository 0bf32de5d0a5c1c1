import { describe, expect, test } from '@jest/globals';
import { CommandSink } from '../../../src/sinks/command.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { type FakeProgram, fakeProgram, orderOf, PSK, WRONG_PSKS } from './fake-program.ts';

const sinkOf = ({ path }: FakeProgram, timeoutMs = 10_000): CommandSink =>
  new CommandSink({ type: 'command', argv: [path, '--to', 'router 1'], timeoutMs }, 'north');

describe('install', () => {
  test('its own arguments, the event and the link in the environment, the key on standard input', async () => {
    const program = fakeProgram();
    await sinkOf(program).install(orderOf(PSK), NEVER);
    const [call] = program.calls();
    expect(call?.argv).toEqual(['--to', 'router 1']);
    expect(call?.environment).toEqual(
      expect.arrayContaining(['QUPSKD_EVENT=install', 'QUPSKD_LINK=north', 'LANG=C']),
    );
    expect(call?.stdin.toString('latin1')).toBe(PSK.toString('base64'));
    expect(plantedIn([...(call?.argv ?? []), ...(call?.environment ?? [])].join(' '), PSK)).toEqual(
      [],
    );
  });

  test.each(WRONG_PSKS)('a PSK that is %s: nothing is run', async (_, bytes) => {
    const program = fakeProgram();
    await failureOf(sinkOf(program).install(orderOf(bytes), NEVER));
    expect(program.calls()).toEqual([]);
  });

  test('exit code and time limit count, and an echoed key stays out of the error', async () => {
    const failing = fakeProgram('cat call-0/stdin >&2; exit 7');
    const failure = await failureOf(sinkOf(failing).install(orderOf(PSK), NEVER));
    expect(failure.code).toBe('ERR_SINK_FAILED');
    expect(failure.message).toBe(`${failing.path} ended with exit code 7: ${'*'.repeat(44)}`);
    expect(plantedIn(shown(failure), PSK)).toEqual([]);

    const hanging = fakeProgram('sleep 60');
    const timeout = await failureOf(sinkOf(hanging, 200).install(orderOf(PSK), NEVER));
    expect(timeout.code).toBe('ERR_SINK_TIMEOUT');
  });

  test('the label is the program without its arguments', () => {
    const program = fakeProgram();
    expect(sinkOf(program).label).toBe(`command ${program.path}`);
  });
});

test('remove: the event says so and standard input is empty', async () => {
  const program = fakeProgram();
  await sinkOf(program).remove(NEVER);
  const [call] = program.calls();
  expect(call?.environment).toContain('QUPSKD_EVENT=remove');
  expect(call?.stdin.length).toBe(0);
});
