// Permissions in a package: the same for whoever makes it.
import { chmod, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** Sets the permissions of a folder and of all in it, whatever the umask and the checkout say. */
export async function settleModes(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  await chmod(folder, 0o755);
  for (const entry of entries.filter((one) => !one.isSymbolicLink())) {
    const isOpen = entry.isDirectory() || extname(entry.name) === '.cjs';
    await chmod(join(entry.parentPath, entry.name), isOpen ? 0o755 : 0o644);
  }
}
