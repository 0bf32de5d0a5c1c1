/** A limit on the time that a promise is waited for. */

/**
 * Waits for a promise, but not for ever.
 *
 * @returns what it gives, or undefined when it is late; its later outcome is ignored
 */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    // Alone, it must not keep the process from its end.
    timer = setTimeout(resolve, timeoutMs, undefined).unref();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
