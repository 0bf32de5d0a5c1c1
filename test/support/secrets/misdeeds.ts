/** Answers of a KME that hold a key, or part of one, in a place or shape where none belongs. */
import {
  KEY_MARK,
  type KmeAnswer,
  keyContainer,
  type MarkedKey,
  type Misdeed,
  markedKey,
} from './fake-kme.ts';

const UUID_OF_NOBODY = '00000000-0000-4000-8000-000000000000';

function container(keyId: string, key: unknown): KmeAnswer {
  return { status: 200, body: JSON.stringify({ keys: [{ key_ID: keyId, key }] }) };
}

function error(status: number, message: string): KmeAnswer {
  return { status, body: JSON.stringify({ message }) };
}

export const MISDEEDS: readonly Misdeed[] = [
  {
    what: 'JSON that is cut off within the key',
    of: 'enc_keys',
    answer: (delivered) => ({ status: 200, body: keyContainer(delivered).body.slice(0, -5) }),
  },
  {
    what: 'the key without JSON',
    of: 'dec_keys',
    answer: ({ key }) => ({ status: 200, body: key.toString('base64') }),
  },
  {
    what: 'half a key',
    of: 'dec_keys',
    answer: ({ keyId }) => container(keyId, KEY_MARK.toString('base64')),
  },
  {
    what: 'the key under another key_ID',
    of: 'dec_keys',
    answer: ({ key }) => keyContainer({ keyId: UUID_OF_NOBODY, key }),
  },
  {
    what: 'the key in the place of the key_ID',
    of: 'enc_keys',
    answer: ({ key }) => container(key.toString('base64'), key.toString('base64')),
  },
  {
    what: 'the key in hexadecimal',
    of: 'enc_keys',
    answer: ({ keyId, key }) => container(keyId, key.toString('hex')),
  },
  {
    what: 'the key as a list of numbers',
    of: 'dec_keys',
    answer: ({ keyId, key }) => container(keyId, [...key]),
  },
  {
    what: 'a Key container with status 500',
    of: 'dec_keys',
    answer: (delivered) => ({ ...keyContainer(delivered), status: 500 }),
  },
  {
    what: 'an error that quotes the key',
    of: 'dec_keys',
    answer: ({ key }) => error(400, `the key ${key.toString('base64')} is not for you`),
  },
  {
    what: 'an error that quotes the key in hexadecimal',
    of: 'enc_keys',
    answer: ({ key }) => error(503, `key ${key.toString('hex')} could not be stored`),
  },
];

/** The two ends get different keys by the same key_ID, so that their confirmations differ. */
export const OTHER_KEY: Misdeed = {
  what: 'another key by the same key_ID',
  of: 'dec_keys',
  answer: ({ keyId }: MarkedKey) => keyContainer({ keyId, key: markedKey() }),
};
