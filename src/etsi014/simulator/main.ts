/**
 * The program `qkd-simulator HOST PORT`: options, signals, exit codes.
 *
 * It prints the address that it serves at, and never a key. Exit codes: 0 when it was told to end,
 * 2 when it could not start.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { QupskdError } from '../../errors.ts';
import { outliveReaders } from '../../output.ts';
import { SAE_ID_HEADER } from './caller.ts';
import { createSimulator, type Simulator, STORE_DEFAULTS } from './server.ts';

const EXIT_CANNOT_START = 2;
const PORT_MAX = 65_535;
const MS_PER_SECOND = 1_000;

const HELP = `
The calling SAE:
  With --cacert it is the common name of the client certificate. Without, nothing on the wire names
  it: any caller may fetch a key by its key_ID, once, unless it names itself in the header
  ${SAE_ID_HEADER}, which is no part of the standard. An SAE that is known, and was not named in
  Get key, is answered 401.

Signals:
  SIGTERM, SIGINT  end at once
  SIGUSR2          answer 503 to everything, until the next SIGUSR2

Exit codes:
  0  told to end    2  could not start
`;

interface ProgramOptions {
  readonly stateless?: true;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly kmeId: string;
  readonly maxKeyCount: number;
  readonly refillRate: number;
  readonly keyTtl: number;
  readonly delay: number;
  readonly notFoundFirst: number;
  readonly dropAnswers: number;
}

const program = new Command('qkd-simulator')
  .description('A simulated QKD device pair: a KME that speaks ETSI GS QKD 014 V1.1.1.')
  .argument('<host>', 'address to listen on; localhost means 127.0.0.1 and ::1')
  .argument('<port>', 'port to listen on; 0 for any free one', portNumber)
  .option('--stateless', 'derive each key from its key_ID: simulators at two sites agree')
  .option('--cert <file>', "the KME's certificate: serve HTTPS")
  .option('--key <file>', 'its private key')
  .option('--cacert <file>', 'CA of the client certificates: demand one (mutual TLS)')
  .option('--kme-id <name>', 'source_KME_ID and target_KME_ID', 'kme_simulator')
  .option(
    '--max-key-count <n>',
    'keys in the pool of an SAE pair',
    wholeNumber,
    STORE_DEFAULTS.keyCountMax,
  )
  .option(
    '--refill-rate <n>',
    'keys a second that a pool gains',
    wholeNumber,
    STORE_DEFAULTS.refillPerSecond,
  )
  .option(
    '--key-ttl <seconds>',
    'how long a key waits for its slave SAE',
    wholeNumber,
    STORE_DEFAULTS.waitMsMax / MS_PER_SECOND,
  )
  .option('--delay <ms>', 'fault: wait before every answer', wholeNumber, 0)
  .option(
    '--not-found-first <n>',
    'fault: a key_ID is unknown to its first n requests',
    wholeNumber,
    0,
  )
  .option(
    '--drop-answers <n>',
    'fault: deliver n times without the answer arriving',
    wholeNumber,
    0,
  )
  .addHelpText('after', HELP)
  .exitOverride();

async function main(): Promise<void> {
  outliveReaders();
  program.parse();
  const [host = '', port = 0] = program.processedArgs as [string?, number?];
  const options = program.opts<ProgramOptions>();
  const { cacert = null, cert = null, key = null } = options;
  if ((cert === null) !== (key === null) || (cacert !== null && cert === null)) {
    program.error('error: --cert and --key go together, and --cacert needs both');
  }
  const simulator = createSimulator({
    kmeId: options.kmeId,
    stateless: options.stateless ?? false,
    store: {
      keyCountMax: options.maxKeyCount,
      refillPerSecond: options.refillRate,
      waitMsMax: options.keyTtl * MS_PER_SECOND,
    },
    tls: cert === null ? null : { cacert, cert, key },
  });
  simulator.faults.delayMs = options.delay;
  simulator.faults.notFoundFirst = options.notFoundFirst;
  simulator.faults.dropAnswers = options.dropAnswers;
  const { url } = await simulator.listen(host, port);
  obeySignals(simulator);
  process.stdout.write(`Serving at ${url}\n`);
}

function obeySignals(simulator: Simulator): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void simulator.close());
  }
  process.on('SIGUSR2', () => {
    simulator.faults.status = simulator.faults.status === null ? 503 : null;
  });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port > PORT_MAX) throw new InvalidArgumentError(`It must be ${PORT_MAX} at most.`);
  return port;
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
