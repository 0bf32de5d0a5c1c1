/**
 * How a simulated KME departs from the standard, or picks where the standard leaves a choice: what
 * comes in is turned into what wire.ts reads, what goes out is made from what wire.ts prints. Pure.
 *
 * @see ETSI GS QKD 014 V1.1.1, clauses 5 and 6
 */
import { badRequest, type printKeyContainer, type printStatus, type Refusal } from './wire.ts';

const BITS_PER_BYTE = 8;

export interface DialectOptions {
  /** Path below which the methods are. */
  readonly basePath: string;
  /** The only method of HTTP that Get key and Get key with key IDs take; null: both. */
  readonly method: 'GET' | 'POST' | null;
  /** False: there is no Get status. */
  readonly status: boolean;
  /** Table 11 prints `Keys`, the example below it `keys`. */
  readonly keysField: 'keys' | 'Keys';
  /** The only case in which key_IDs are written and known; null: lower case, and any is known. */
  readonly keyIdCase: 'lower' | 'upper' | null;
  /** Of every size that is asked for or told. */
  readonly sizeUnit: 'bits' | 'bytes';
  readonly refuseNumber: boolean;
  readonly refuseSize: boolean;
  /** Answers have fields of the vendor's own. */
  readonly extraFields: boolean;
}

export const STANDARD_DIALECT: DialectOptions = {
  basePath: '/api/v1/keys',
  method: null,
  status: true,
  keysField: 'keys',
  keyIdCase: null,
  sizeUnit: 'bits',
  refuseNumber: false,
  refuseSize: false,
  extraFields: false,
};

const VENDOR_FIELDS = { vendor_note: 'not of the standard', vendor_details: { hops: 2 } };

export class Dialect {
  readonly options: DialectOptions;

  constructor(options: Partial<DialectOptions> = {}) {
    this.options = { ...STANDARD_DIALECT, ...options };
  }

  /**
   * A Key request as the standard has it.
   *
   * @param input - decoded JSON or a query, untrusted
   * @throws Refusal 400 for a parameter that this KME does not take
   */
  readKeyRequest(input: unknown): unknown {
    if (typeof input !== 'object' || input === null) return input;
    const { refuseNumber, refuseSize, sizeUnit } = this.options;
    const { number, size } = input as { number?: unknown; size?: unknown };
    if (refuseNumber && number !== undefined) throw unsupported('number');
    if (refuseSize && size !== undefined) throw unsupported('size');
    return sizeUnit === 'bytes' && typeof size === 'number'
      ? { ...input, size: size * BITS_PER_BYTE }
      : input;
  }

  /** True for a key_ID that is written as this KME writes it. */
  knows(keyId: string): boolean {
    return this.options.keyIdCase === null || keyId === this.#cased(keyId);
  }

  /** @param status - as wire.ts prints it */
  writeStatus(status: ReturnType<typeof printStatus>): object {
    const { key_size, max_key_size, min_key_size } = status;
    const unitBits = this.options.sizeUnit === 'bytes' ? BITS_PER_BYTE : 1;
    return this.#extended({
      ...status,
      key_size: key_size / unitBits,
      max_key_size: max_key_size / unitBits,
      min_key_size: min_key_size / unitBits,
    });
  }

  /** @param container - as wire.ts prints it */
  writeKeyContainer({ keys }: ReturnType<typeof printKeyContainer>): object {
    const cased = keys.map(({ key_ID, key }) => ({ key_ID: this.#cased(key_ID), key }));
    return this.#extended({ [this.options.keysField]: cased.map((key) => this.#extended(key)) });
  }

  #cased(keyId: string): string {
    switch (this.options.keyIdCase) {
      case 'lower':
        return keyId.toLowerCase();
      case 'upper':
        return keyId.toUpperCase();
      case null:
        return keyId;
    }
  }

  #extended(fields: object): object {
    return this.options.extraFields ? { ...VENDOR_FIELDS, ...fields } : fields;
  }
}

function unsupported(parameter: string): Refusal {
  return badRequest([{ [parameter]: 'is not supported' }]);
}
