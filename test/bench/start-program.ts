/** Starts the programs of the benchmark, waits until each serves, and ends them whatever happens. */
import { Program } from '../../example/demo/programs.ts';

const started: Program[] = [];

/**
 * @param isServing - gets every line of its output, also later; true for the one that says so
 * @throws Error when it ends instead, with its last words
 */
export function startProgram(
  { name, argv }: { readonly name: string; readonly argv: readonly string[] },
  isServing: (line: string) => boolean,
): Promise<Program> {
  return new Promise((resolve, reject) => {
    const onLine = (line: string): void => {
      if (isServing(line)) resolve(program);
    };
    const program = new Program({ name, argv, cwd: '/', onLine });
    started.push(program);
    void program.ended.then((how) => reject(new Error(how)));
  });
}

/** Ends every program that is still running. */
export async function stopPrograms(): Promise<void> {
  await Promise.all(started.map((program) => program.stop()));
}
