/** Refusals of what does not go together, and of the flat form. */
import {
  inFlat,
  inStructured,
  KME_URL,
  NAME_REMEDY,
  PSK_LINE,
  type Refusal,
  SINK,
  TIMING,
} from './refusal.ts';
import { PLANTED, PUBLIC_KEY, STRUCTURED } from './toml-file.ts';

const LINK_2 = STRUCTURED.slice(STRUCTURED.indexOf('[[link]]'));
const NO_PSK =
  'link[0].psk: is missing: without it or mutual TLS the peer could be anybody. Add psk or psk_file, ' +
  'the same at both ends (see qupskd genpsk).';

export const RELATIONS: readonly Refusal[] = [
  inStructured(
    'protocol 2 without the own SAE ID',
    [['local_SAE_ID = "sae_alice"', '']],
    'local_SAE_ID: is missing: protocol 2 names both ends. Add local_SAE_ID = "sae_alice", or protocol = 1 to talk to the original quPSKd.',
  ),
  inStructured(
    'two ends with one SAE ID',
    [['"sae_bob"', '"sae_alice"']],
    'link[0].remote_SAE_ID: is the same as local_SAE_ID. Write the SAE ID of the other end.',
  ),
  inStructured(
    'the same link twice',
    [['[[link]]', `${LINK_2}[[link]]`]],
    'link[1].name: collides with link[0].name. Each link needs its own.',
    'link[1].remote_SAE_ID: collides with link[0].remote_SAE_ID. Each link needs its own.',
    'link[1].sink[0]: collides with link[0].sink[0]. Each link needs its own.',
  ),
  inStructured(
    'one file of two sinks, differently written',
    [[SINK, `${SINK}\n[[link.sink]]\ntype = "file"\npath = "psk/../psk/bob.key"`]],
    'link[0].sink[1]: collides with link[0].sink[0]. Each link needs its own.',
  ),
  inStructured(
    'one WireGuard peer of two kinds of sinks',
    [
      [
        SINK,
        ['wg-set-psk', 'wireguard']
          .map((type) => `type = "${type}"\ninterface = "wg0"\npublic_key = "${PUBLIC_KEY}"\n`)
          .join('[[link.sink]]\n'),
      ],
    ],
    'link[0].sink[1]: collides with link[0].sink[0]. Each link needs its own.',
  ),
  inStructured(
    'psk and psk_file',
    [['psk =', 'psk_file = "PSK_FILE"\npsk =']],
    'link[0].psk_file: is given beside psk. Remove one of the two.',
  ),
  inStructured(
    'no psk towards another machine',
    [
      [PSK_LINE, ''],
      ['http://localhost:5556', 'http://bob.example:5556'],
    ],
    NO_PSK,
  ),
  inStructured(
    'no psk, and the world may call',
    [
      [PSK_LINE, ''],
      ['host = "localhost"', 'host = "0.0.0.0"'],
    ],
    NO_PSK,
  ),
  inStructured(
    'wg-set-psk is to end a session',
    [
      [SINK, `type = "wg-set-psk"\npublic_key = "${PUBLIC_KEY}"`],
      ['psk =', 'on_expiry = "remove"\npsk ='],
    ],
    'link[0].on_expiry: is "remove", but wg-set-psk cannot end a session. Write "random" or "keep".',
  ),
  inStructured(
    'a default interface name that is too long',
    [
      [SINK, `type = "wg-set-psk"\npublic_key = "${PUBLIC_KEY}"`],
      ['name = "bob"', 'name = "bob-in-berlin"'],
    ],
    'link[0].sink[0].interface: is missing, and wg0_ with the name of the link is longer than 15 characters. Name the interface, or give a shorter name.',
  ),
  inStructured(
    'everything at once',
    [
      ['host = "localhost"', ''],
      ['5555', '0'],
      ['http://localhost:12345', PLANTED],
      ['"bob"', '"b/b"'],
      ['psk =', 'interval = "1s"\nmax_key_age = "1s"\npsk ='],
      ['"file"', '"fiel"'],
    ],
    'listen.host: is missing. Add host = "localhost".',
    'listen.port: is not a whole number from 1 to 65535. Write it like port = 5555.',
    KME_URL,
    NAME_REMEDY,
    'link[0].sink[0].type: is not "file" or "wireguard" or "wg-set-psk" or "strongswan-ppk" or "command". Write it like type = "file".',
    `link[0].max_key_age: ${TIMING} With this interval, make it longer than 1250ms, or leave it out for 1500ms.`,
  ),
];

export const FLAT_FORM: readonly Refusal[] = [
  inFlat(
    'a flat key is named as it was written',
    [
      ['5555', `"${PLANTED}"`],
      ['"http://localhost:12345"', '17'],
      ['alias = "bob"', ''],
    ],
    'qupskd_port: is not a whole number from 1 to 65535. Write it like qupskd_port = 5555.',
    'etsi_url: is not an http:// or https:// URL without user, password, query and fragment, or a list of such. Write it like etsi_url = "https://kme.example".',
    'alias: is missing. Add alias = "bob".',
  ),
  inFlat(
    'an unknown flat key',
    [['alias', 'key_foldr = "x"\nalias']],
    'key_foldr: is not a known key. Did you mean key_folder?',
  ),
  inFlat(
    'protocol 2 without the own SAE ID',
    [['alias', 'protocol = 2\nalias']],
    'local_SAE_ID: is missing: protocol 2 names both ends. Add local_SAE_ID = "sae_alice", or protocol = 1 to talk to the original quPSKd.',
  ),
  inFlat(
    'a new key without protocol means protocol 2',
    [['alias', 'interval = "10s"\nalias']],
    'local_SAE_ID: is missing: protocol 2 names both ends. Add local_SAE_ID = "sae_alice", or protocol = 1 to talk to the original quPSKd.',
  ),
  inFlat(
    'nowhere to put the PSK',
    [['key_folder = "./psk/alice"', '']],
    'key_folder: is missing: the PSK has nowhere to go. Add key_folder = "./psk", or wireguard_public_key.',
  ),
  inFlat(
    'a folder that is no text',
    [['"./psk/alice"', '7']],
    'key_folder: is not a path. Write it like key_folder = "./psk/bob.key".',
  ),
  inFlat(
    'an interface without a public key',
    [['alias', 'protocol = 1\nwireguard_interface = "wg0"\nalias']],
    'wireguard_interface: is of no use without wireguard_public_key. Add wireguard_public_key, or remove it.',
  ),
  inFlat(
    'wg0_ and the alias are too long for an interface',
    [
      ['"bob"', `"bob-in-berlin"\nwireguard_public_key = "${PUBLIC_KEY}"`],
      ['key_folder = "./psk/alice"', ''],
    ],
    'wireguard_interface: is missing, and wg0_ with the name of the link is longer than 15 characters. Name the interface, or give a shorter name.',
  ),
  inFlat(
    'wg-set-psk is to end a session',
    [
      [
        '"bob"',
        `"bob"\nprotocol = 1\non_expiry = "remove"\nwireguard_public_key = "${PUBLIC_KEY}"`,
      ],
      ['key_folder = "./psk/alice"', ''],
    ],
    'on_expiry: is "remove", but wg-set-psk cannot end a session. Write "random" or "keep".',
  ),
];
