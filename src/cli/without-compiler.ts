/**
 * Node without V8's compilers (`--jitless`), as the service runs it: no memory is writable and
 * executable, so the operating system can forbid such memory.
 */

/** Parts of Node that are compiled to WebAssembly, or built upon them. */
const NEED_WEBASSEMBLY = [
  'fetch',
  'Request',
  'Response',
  'Headers',
  'FormData',
  'WebSocket',
  'EventSource',
] as const;

/**
 * Takes away what V8 cannot run without its compilers. To be called before any library is loaded: one
 * that only looks whether there is a `fetch` would end the process.
 */
export function leaveOutWebAssembly(): void {
  if ('WebAssembly' in globalThis) return;
  for (const name of NEED_WEBASSEMBLY) Reflect.deleteProperty(globalThis, name);
}
