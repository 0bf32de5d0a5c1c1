/** What a machine must have for network namespaces and WireGuard in them. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Bits of linux/capability.h. */
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;
/** Each with the Debian package that has it. */
const PROGRAMS = {
  ip: 'iproute2',
  ping: 'iputils-ping',
  wg: 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
};

/** What this machine lacks for a tunnel, in words for whoever wanted one; empty when nothing. */
export function missingForTunnels(): string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push('root');
  else if (!mayMakeNamespaces()) missing.push('CAP_NET_ADMIN and CAP_SYS_ADMIN');
  if (!existsSync('/dev/net/tun')) missing.push('/dev/net/tun');
  for (const [program, debianPackage] of Object.entries(PROGRAMS)) {
    if (!isInPath(program)) missing.push(`${program} (Debian: ${debianPackage})`);
  }
  return missing;
}

function mayMakeNamespaces(): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const held = BigInt(`0x${line?.[1] ?? '0'}`);
  return [CAP_NET_ADMIN, CAP_SYS_ADMIN].every((bit) => ((held >> bit) & 1n) === 1n);
}

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
