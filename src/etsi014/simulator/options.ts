/**
 * The command line of `qkd-simulator`: what may be given, what it means, and the help that tells all.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { QupskdError } from '../../errors.ts';
import { SAE_ID_HEADER } from './caller.ts';
import type { CertsOptions } from './certs.ts';
import { type DialectOptions, STANDARD_DIALECT } from './dialect.ts';
import { describeFaults, type Fault, parseFaultText } from './faults.ts';
import { KME_ID_DEFAULT, SEED_DEFAULT, STORE_DEFAULTS } from './server.ts';

const PORT_MAX = 65_535;
const MS_PER_SECOND = 1_000;
const DAYS_MAX = 3_650;

const NOTES = `
The calling SAE:
  With --cacert it is what the client certificate names: its common name, else its one subject
  alternative name. Without, nothing on the wire names it: any caller may fetch a key by its key_ID,
  once, unless it names itself in the header ${SAE_ID_HEADER}, which is no part of the standard. An
  SAE that is known, and was not named in Get key, is answered 401.

Two KMEs:
  One KME stands for both ends of a link. With --two or --peer there is one at each end: a key that
  one delivers to the master SAE can be had at the other alone, by its key_ID, once.
  --peer is for trials: the keys cross that connection. Without mutual TLS they do so in clear, and
  anybody who reaches this port can plant keys. While the partner is away they wait.

Faults, such as --fault status=503,retry-after=2,method=enc,count=3:
${describeFaults()}
  Of several kinds, each that is due is committed; of one kind the oldest, and of the limits of a
  pool the newest. Only with lag, wrong-length, wrong-id, half and drop a key has been taken.

Control, on loopback:
  GET /control             faults, and for each KME requests, keys delivered, stock of each pair
  POST /control/faults     one fault as JSON: {"status": 503, "retry-after": 2, "count": 3}
  DELETE /control/faults   end all of them

Signals:
  SIGTERM, SIGINT  end at once
  SIGUSR2          answer 503 to everything, until the next SIGUSR2

Exit codes:
  0  told to end    2  could not start
`;

/** As commander gives them. */
export interface ServeOptions {
  readonly stateless?: true;
  readonly kmeId: string;
  readonly maxKeyCount: number;
  readonly refillRate: number;
  readonly keyTtl: number;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly caKey?: string;
  readonly two?: number;
  readonly cert2?: string;
  readonly key2?: string;
  readonly peer?: string;
  readonly peerKmeId: string;
  readonly fault: readonly Fault[];
  readonly seed: string;
  readonly control?: number;
  readonly delay: number;
  readonly notFoundFirst: number;
  readonly dropAnswers: number;
  readonly basePath: string;
  readonly method?: 'GET' | 'POST';
  readonly status: boolean;
  readonly keysField: 'keys' | 'Keys';
  readonly keyIdCase?: 'lower' | 'upper';
  readonly sizeUnit: 'bits' | 'bytes';
  readonly refuseNumber?: true;
  readonly refuseSize?: true;
  readonly extraFields?: true;
}

export interface Actions {
  readonly serve: (host: string, port: number, options: ServeOptions) => Promise<void>;
  readonly certs: (folder: string, options: CertsOptions) => Promise<void>;
}

/** The command line, to be parsed; errors are thrown as commander's, after they were printed. */
export function commandLine(actions: Actions): Command {
  const program = new Command('qkd-simulator')
    .description('A simulated QKD device pair: a KME that speaks ETSI GS QKD 014 V1.1.1.')
    .argument('<host>', 'address to listen on; localhost means 127.0.0.1 and ::1')
    .argument('<port>', 'port to listen on; 0 for any free one', portNumber)
    .enablePositionalOptions()
    .helpCommand(false)
    .exitOverride();
  addKeyOptions(program);
  addTlsOptions(program);
  addPartnerOptions(program);
  addFaultOptions(program);
  addDialectOptions(program);
  program.addHelpText('after', NOTES).action(actions.serve);
  addCerts(program, actions.certs);
  return program;
}

/** The dialect that the options ask for. */
export function dialectOf(options: ServeOptions): DialectOptions {
  const { basePath, status, keysField, sizeUnit } = options;
  return {
    basePath,
    status,
    keysField,
    sizeUnit,
    method: options.method ?? null,
    keyIdCase: options.keyIdCase ?? null,
    refuseNumber: options.refuseNumber ?? false,
    refuseSize: options.refuseSize ?? false,
    extraFields: options.extraFields ?? false,
  };
}

function addKeyOptions(program: Command): void {
  const { keyCountMax, refillPerSecond, waitMsMax } = STORE_DEFAULTS;
  const ttl = waitMsMax / MS_PER_SECOND;
  program
    .optionsGroup('Keys:')
    .option('--kme-id <name>', 'source_KME_ID', KME_ID_DEFAULT)
    .option('--max-key-count <n>', 'keys in the pool of an SAE pair', wholeNumber, keyCountMax)
    .option(
      '--refill-rate <n>',
      'keys a second that a pool gains, such as 0.06',
      decimalNumber,
      refillPerSecond,
    )
    .option('--key-ttl <seconds>', 'how long a key waits for its slave SAE', wholeNumber, ttl)
    .option('--stateless', 'derive each key from its key_ID: simulators at two sites agree');
}

function addTlsOptions(program: Command): void {
  program
    .optionsGroup('TLS:')
    .option('--cert <file>', "the KME's certificate: serve HTTPS")
    .option('--key <file>', 'its private key')
    .option('--cacert <file>', 'CA of the client certificates: demand one (mutual TLS)')
    .option('--ca-key <file>', "the CA's private key, for a certificate that has expired");
}

function addPartnerOptions(program: Command): void {
  program
    .optionsGroup('Two KMEs:')
    .option('--two <port>', 'serve the KME of the other end here, on this port', portNumber)
    .option('--cert2 <file>', 'its certificate, where it has another one')
    .option('--key2 <file>', 'its private key')
    .option(
      '--peer <url>',
      'the KME of the other end: tell it of keys, and be told (for trials)',
      baseUrl,
    )
    .option(
      '--peer-kme-id <name>',
      "the other end's KME ID, which its certificate must name",
      'kme_peer',
    );
}

function addFaultOptions(program: Command): void {
  program
    .optionsGroup('Faults:')
    .addOption(
      new Option('--fault <fault>', 'see below; may be given many times')
        .argParser(addFault)
        .default([], 'none'),
    )
    .option('--seed <text>', 'of chance, for faults with a probability', SEED_DEFAULT)
    .option('--control <port>', 'serve the control endpoint, on loopback', portNumber)
    .option('--delay <ms>', 'short for --fault delay=MS', wholeNumber, 0)
    .option('--not-found-first <n>', 'short for --fault not-found-first=N', wholeNumber, 0)
    .option('--drop-answers <n>', 'short for --fault drop,count=N', wholeNumber, 0);
}

function addDialectOptions(program: Command): void {
  const { basePath } = STANDARD_DIALECT;
  program
    .optionsGroup('Dialect:')
    .option('--base-path <path>', 'where the methods are', pathPrefix, basePath)
    .addOption(
      new Option('--method <method>', 'take Get key in this form alone').choices(['GET', 'POST']),
    )
    .option('--no-status', 'have no Get status')
    .addOption(
      new Option('--keys-field <name>', 'of a Key container')
        .choices(['keys', 'Keys'])
        .default(STANDARD_DIALECT.keysField),
    )
    .addOption(
      new Option('--key-id-case <case>', 'write and know key_IDs in this case alone').choices([
        'lower',
        'upper',
      ]),
    )
    .addOption(
      new Option('--size-unit <unit>', 'of every size')
        .choices(['bits', 'bytes'])
        .default(STANDARD_DIALECT.sizeUnit),
    )
    .option('--refuse-number', 'answer 400 to a request with `number`')
    .option('--refuse-size', 'answer 400 to a request with `size`')
    .option('--extra-fields', 'answer with fields that the standard does not know')
    .optionsGroup('Options:');
}

function addCerts(program: Command, action: Actions['certs']): void {
  program
    .command('certs')
    .description('make the certificates of a trial with mutual TLS')
    .argument('<dir>', 'folder for the files')
    .option('--kme <id...>', 'KME IDs', ['kme_alice', 'kme_bob'])
    .option('--sae <id...>', 'SAE IDs', ['sae_alice', 'sae_bob'])
    .option('--host <host...>', 'where they serve', ['localhost', '127.0.0.1', '::1'])
    .option('--days <n>', 'how long they are valid', dayCount, 365)
    .option('--force', 'overwrite files that are there', false)
    .action(
      async (
        folder: string,
        {
          kme,
          sae,
          host,
          days,
          force,
        }: Record<'kme' | 'sae' | 'host', string[]> & {
          days: number;
          force: boolean;
        },
      ) => await action(folder, { kmes: kme, saes: sae, hosts: host, days, force }),
    );
}

function addFault(text: string, faults: readonly Fault[]): readonly Fault[] {
  try {
    return [...faults, parseFaultText(text)];
  } catch (error) {
    if (error instanceof QupskdError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function decimalNumber(text: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) throw new InvalidArgumentError('It must be a number.');
  return Number(text);
}

function portNumber(text: string): number {
  return upTo(PORT_MAX, wholeNumber(text));
}

function dayCount(text: string): number {
  return upTo(DAYS_MAX, wholeNumber(text));
}

function upTo(max: number, number: number): number {
  if (number > max) throw new InvalidArgumentError(`It must be ${max} at most.`);
  return number;
}

/** Without a slash at its end. */
function baseUrl(text: string): string {
  if (/^https?:\/\/[^/?#\s]+\/?$/.test(text) && URL.canParse(text)) return new URL(text).origin;
  throw new InvalidArgumentError('It must be a URL such as https://kme_bob.example:12346.');
}

function pathPrefix(text: string): string {
  if (/^(\/[\w.~-]+)+$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a path such as /api/v1/keys.');
}
