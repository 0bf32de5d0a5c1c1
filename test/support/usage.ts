/** How a tool of the tests answers a command line that it cannot use. */

const EXIT_USAGE = 2;

/**
 * Reads the command line; where that fails it says why and how the tool is used, and ends with 2.
 *
 * @param read - throws for arguments that cannot be used, and does nothing else
 */
export function orUsage<Arguments>(usage: string, read: () => Arguments): Arguments {
  try {
    return read();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(EXIT_USAGE);
  }
}
