/** Child processes of the demo and of the benchmark. */
import { describe, expect, test } from '@jest/globals';
import { Program } from '../../example/demo/programs.ts';
import { until } from '../support/until.ts';

const IDLE = 'setInterval(() => {}, 1000)';

function start(script: string): { readonly program: Program; readonly lines: string[] } {
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  const program = new Program({ name: 'it', argv: ['--eval', script], cwd: '/', onLine });
  return { program, lines };
}

describe('Program', () => {
  test('gives its lines, and ends when it is told to', async () => {
    const { program, lines } = start(`console.log("one\\ntwo"); ${IDLE}`);
    await until(() => lines.length === 2);
    await program.stop();
    expect(lines).toEqual(['one', 'two']);
    expect(await program.ended).toBe('it ended (signal SIGTERM)');
  });

  test('a crash leaves it no time to end', async () => {
    const { program, lines } = start(
      `process.on("SIGTERM", () => {}); console.log("runs"); ${IDLE}`,
    );
    await until(() => lines.length === 1);
    await program.crash();
    expect(await program.ended).toBe('it ended (signal SIGKILL)');
  });

  test('one that fails says how, with its last words', async () => {
    const { program } = start('for (let n = 1; n < 9; n += 1) console.error(n); process.exit(2)');
    expect(await program.ended).toBe('it ended (exit code 2)\n  6\n  7\n  8');
  });

  test('stopping one that has ended does nothing', async () => {
    const { program } = start('');
    await program.ended;
    await program.stop();
    expect(await program.ended).toBe('it ended (exit code 0)');
  });
});
