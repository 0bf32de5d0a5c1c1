/**
 * The program `qkd-simulator`: the test bed that the options describe, signals, exit codes.
 *
 * It prints the addresses that it serves at, and never a key. Exit codes: 0 when it was told to end,
 * or has done its work, 2 when it could not start.
 */
import { type Command, CommanderError } from 'commander';
import type { TlsConfig } from '../../config/types.ts';
import { QupskdError } from '../../errors.ts';
import { outliveReaders, printResult } from '../../output.ts';
import { createControl } from './control.ts';
import { commandLine, dialectOf, type ServeOptions } from './options.ts';
import type { Shorthands } from './shorthands.ts';
import { createTestbed, type TestbedOptions } from './testbed.ts';

const EXIT_CANNOT_START = 2;
const MS_PER_SECOND = 1_000;

const program: Command = commandLine({
  serve,
  async certs(folder, options) {
    // Loaded only where it is used, with what makes certificates.
    const { makeCerts } = await import('./certs.ts');
    await printResult(await makeCerts(folder, options));
  },
});

async function serve(host: string, port: number, options: ServeOptions): Promise<void> {
  const contradiction = contradictionIn(options);
  if (contradiction !== null) program.error(`error: ${contradiction}`);
  const testbed = await createTestbed(testbedOptionsOf(host, options));
  const control = options.control === undefined ? null : createControl(testbed);
  const end = async (): Promise<void> => {
    await Promise.all([testbed.close(), control?.close()]);
  };
  try {
    const [first, second] = testbed.kmes;
    const { faults } = first;
    faults.delayMs = options.delay;
    faults.notFoundFirst = options.notFoundFirst;
    faults.dropAnswers = options.dropAnswers;
    for (const fault of options.fault) testbed.addFault(fault);
    const served = [await first.listen(host, port), await second?.listen(host, options.two ?? 0)];
    const controlled = await control?.listen(options.control ?? 0);
    obeySignals(faults, end);
    for (const at of served) if (at !== undefined) process.stdout.write(`Serving at ${at.url}\n`);
    if (controlled !== undefined) process.stdout.write(`Control at ${controlled.url}\n`);
  } catch (error) {
    // What listens already would keep the process alive.
    await end();
    throw error;
  }
}

/** What the options ask for and cannot have together, in one line. */
function contradictionIn(options: ServeOptions): string | null {
  const { cacert, cert, key, caKey, two, cert2, key2 } = options;
  const { kmeId, peerKmeId, peer, stateless } = options;
  if (
    (cert === undefined) !== (key === undefined) ||
    (cacert !== undefined && cert === undefined)
  ) {
    return '--cert and --key go together, and --cacert needs both';
  }
  if (caKey !== undefined && cacert === undefined) return '--ca-key needs --cacert';
  if ((cert2 === undefined) !== (key2 === undefined)) return '--cert2 and --key2 go together';
  if (cert2 !== undefined && (two === undefined || cert === undefined)) {
    return '--cert2 needs --two and --cert';
  }
  const hasPartner = peer !== undefined || two !== undefined;
  if (hasPartner && kmeId === peerKmeId) return '--kme-id and --peer-kme-id must differ';
  if (peer !== undefined && two !== undefined) return '--two and --peer exclude each other';
  if (peer !== undefined && stateless) return '--stateless leaves nothing to tell --peer of';
  return null;
}

function testbedOptionsOf(host: string, options: ServeOptions): TestbedOptions {
  const { cacert = null, cert = null, key = null, cert2 = cert, key2 = key } = options;
  const tlsOf = (ownCert: string | null, ownKey: string | null): TlsConfig | null =>
    ownCert === null ? null : { cacert, cert: ownCert, key: ownKey };
  return {
    kme: {
      kmeId: options.kmeId,
      stateless: options.stateless ?? false,
      store: {
        keyCountMax: options.maxKeyCount,
        refillPerSecond: options.refillRate,
        waitMsMax: options.keyTtl * MS_PER_SECOND,
      },
      tls: tlsOf(cert, key),
      dialect: dialectOf(options),
    },
    partner: partnerOf(options, tlsOf(cert2, key2)),
    seed: options.seed,
    caKey: options.caKey ?? null,
    hosts: host === 'localhost' ? ['localhost', '127.0.0.1', '::1'] : [host],
  };
}

function partnerOf(
  { two, peer, peerKmeId: kmeId }: ServeOptions,
  tls: TlsConfig | null,
): TestbedOptions['partner'] {
  if (two !== undefined) return { type: 'here', kmeId, tls };
  if (peer === undefined) return null;
  return {
    type: 'away',
    kmeId,
    url: peer,
    onTrouble(reason) {
      const text = reason === null ? 'is told again' : `is not told of keys: ${reason}; they wait`;
      process.stderr.write(`qkd-simulator: the KME at the other end ${text}\n`);
    },
  };
}

function obeySignals(faults: Shorthands, end: () => Promise<void>): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end());
  process.on('SIGUSR2', () => {
    faults.status = faults.status === null ? 503 : null;
  });
}

async function main(): Promise<void> {
  outliveReaders();
  await program.parseAsync();
}

main().catch((error: unknown) => {
  // Commander has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_CANNOT_START;
    return;
  }
  if (!(error instanceof QupskdError)) throw error;
  process.stderr.write(`qkd-simulator: ${error.message} ${error.remedy ?? ''}\n`);
  process.exitCode = EXIT_CANNOT_START;
});
