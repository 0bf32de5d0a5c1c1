/** Refusals that one key, or one table by itself, is the reason of. */
import {
  durationRefusal,
  inStructured,
  NAME_REMEDY,
  PSK_LINE,
  type Refusal,
  SINK,
  TIMING,
  URL_EXPECTED,
} from './refusal.ts';
import { PLANTED, PUBLIC_KEY } from './toml-file.ts';

const PEER_URL = `link[0].url: ${URL_EXPECTED} Write it like url = "https://bob.example:5555".`;
const INTERFACE =
  'link[0].sink[0].interface: is not an interface name of 1 to 15 letters, digits and "_=+.-". ' +
  'Write it like interface = "wg0".';
const KEY_LINE =
  'link[0].sink[0].public_key: is not a WireGuard public key: 44 characters of base64 that stand ' +
  'for 32 bytes. Write it like public_key = "(what wg pubkey prints)".';

export const KEYS_AND_TABLES: readonly Refusal[] = [
  inStructured(
    'an unknown key that is nearly a known one',
    [['psk =', `interwal = "${PLANTED}"\npsk =`]],
    'link[0].interwal: is not a known key. Did you mean interval?',
  ),
  inStructured(
    'a known key in other letters',
    [['remote_SAE_ID', 'remote_sae_id']],
    'link[0].remote_sae_id: is not a known key. Did you mean remote_SAE_ID?',
    'link[0].remote_SAE_ID: is missing. Add remote_SAE_ID = "sae_bob".',
  ),
  inStructured(
    'an unknown key like no other',
    [['port = 5555', `port = 5555\n"two words" = "${PLANTED}"`]],
    'listen."two words": is not a known key. Remove it; the keys here are host, port, cacert, cert, key.',
  ),
  inStructured(
    'an unknown key as long as a secret',
    [['port = 5555', `port = 5555\n${PLANTED.repeat(3)} = 1`]],
    'listen.(a key of 42 characters): is not a known key. Remove it; the keys here are host, port, cacert, cert, key.',
  ),
  inStructured(
    'an unknown table',
    [['[kme]', '[qkd]']],
    'qkd: is not a known key. Remove it; the keys here are local_SAE_ID, listen, kme, log, control, audit, metrics, dashboard, link.',
    'kme: is missing. Add [kme].',
  ),
  inStructured(
    'a missing table',
    [['[listen]\nhost = "localhost"\nport = 5555', '']],
    'listen: is missing. Add [listen].',
  ),
  {
    title: 'an empty file',
    base: '',
    edits: [],
    lines: [
      'listen: is missing. Add [listen].',
      'link: is missing. Add at least one [[link]].',
      'kme: is missing. Add [kme].',
    ],
  },
  inStructured(
    'a link in single brackets',
    [
      ['[[link]]', '[link]'],
      ['[[link.sink]]', '[link.sink]'],
    ],
    'link: is not a list of tables. Write [[link]], in double brackets.',
  ),
  inStructured(
    'a sink in single brackets',
    [['[[link.sink]]', '[link.sink]']],
    'link[0].sink: is not a list of tables. Write [[link.sink]], in double brackets.',
  ),
  inStructured(
    'no sink',
    [[`[[link.sink]]\n${SINK}`, '']],
    'link[0].sink: is missing. Add at least one [[link.sink]].',
  ),
  inStructured(
    'a text for a table',
    [
      ['[kme]\nurl = "http://localhost:12345"', ''],
      ['local_SAE_ID', `kme = "${PLANTED}"\nlocal_SAE_ID`],
    ],
    'kme: is not a table. Write it as [kme].',
  ),
  inStructured(
    'a text for a sink',
    [[`[[link.sink]]\n${SINK}`, `sink = ["${PLANTED}"]`]],
    'link[0].sink[0]: is not a table. Write it as [[link.sink]].',
  ),
  inStructured(
    'an unknown type of sink, and nothing about its other keys',
    [['type = "file"', `type = "${PLANTED}"`]],
    'link[0].sink[0].type: is not "file" or "wireguard" or "wg-set-psk" or "strongswan-ppk" or "command". Write it like type = "file".',
  ),
  inStructured(
    'a key of another type of sink',
    [[SINK, `${SINK}\nargv = ["${PLANTED}"]`]],
    'link[0].sink[0].argv: is not a known key. Remove it; the keys here are type, path.',
  ),
  inStructured(
    'both forms in one file',
    [['local_SAE_ID', `etsi_url = "http://${PLANTED}"\nenable_fake_qkd_api = true\nlocal_SAE_ID`]],
    'etsi_url: is a key of the flat form in a file of the structured form. Write it as url in [kme], or use flat keys alone.',
    'enable_fake_qkd_api: is a key of the flat form in a file of the structured form. Remove it.',
  ),
];

export const VALUES: readonly Refusal[] = [
  inStructured(
    'a text for a port',
    [['port = 5555', `port = "${PLANTED}"`]],
    'listen.port: is not a whole number from 1 to 65535. Write it like port = 5555.',
  ),
  inStructured(
    'a port that there is not',
    [['port = 5555', 'port = 65536']],
    'listen.port: is not a whole number from 1 to 65535. Write it like port = 5555.',
  ),
  inStructured(
    'a number for a psk',
    [[PSK_LINE, 'psk = 123456789']],
    'link[0].psk: is not a text of 1 to 4096 bytes. Write it like psk = "(what qupskd genpsk prints)".',
  ),
  inStructured(
    'an empty psk',
    [[PSK_LINE, 'psk = ""']],
    'link[0].psk: is not a text of 1 to 4096 bytes. Write it like psk = "(what qupskd genpsk prints)".',
  ),
  inStructured('a link name that climbs', [['name = "bob"', 'name = "../bob"']], NAME_REMEDY),
  inStructured(
    'an SAE ID that a URL folds away',
    [['"sae_bob"', '".."']],
    'link[0].remote_SAE_ID: is not an SAE ID of 1 to 256 bytes without blanks. Write it like remote_SAE_ID = "sae_bob".',
  ),
  inStructured(
    'an SAE ID too long in bytes',
    [['"sae_bob"', `"${'é'.repeat(129)}"`]],
    'link[0].remote_SAE_ID: is not an SAE ID of 1 to 256 bytes without blanks. Write it like remote_SAE_ID = "sae_bob".',
  ),
  inStructured(
    'a URL of another scheme',
    [['http://localhost:5556', `ftp://${PLANTED}`]],
    PEER_URL,
  ),
  inStructured('a URL without a scheme', [['http://localhost:5556', 'localhost:5556']], PEER_URL),
  inStructured(
    'a URL with a password',
    [['http://localhost:5556', `http://u:${PLANTED}@localhost`]],
    PEER_URL,
  ),
  ...['-1', '1.5', 'true'].map((id) =>
    inStructured(
      `the SAE ID ${id}`,
      [['"sae_bob"', id]],
      'link[0].remote_SAE_ID: is not an SAE ID of 1 to 256 bytes without blanks. Write it like remote_SAE_ID = "sae_bob".',
    ),
  ),
  inStructured(
    'a protocol in quotes',
    [['psk =', 'protocol = "2"\npsk =']],
    'link[0].protocol: is not 2 or 1. Write it like protocol = 2.',
  ),
  inStructured(
    'a name in the list of addresses',
    [['psk =', `allow = ["192.0.2.1", "${PLANTED}.example"]\npsk =`]],
    'link[0].allow: is not a list of at least one IP address. Write it like allow = ["192.0.2.2", "2001:db8::2"].',
  ),
  inStructured(
    'an empty list of addresses',
    [['psk =', 'allow = []\npsk =']],
    'link[0].allow: is not a list of at least one IP address. Write it like allow = ["192.0.2.2", "2001:db8::2"].',
  ),
  inStructured(
    'an unknown log level',
    [['[kme]', '[log]\nlevel = "verbose"\n[kme]']],
    'log.level: is not "info" or "debug" or "warn" or "error". Write it like level = "info".',
  ),
  inStructured(
    'a command without a program',
    [[SINK, 'type = "command"\nargv = []']],
    'link[0].sink[0].argv: is not a list of a program and its arguments. Write it like argv = ["/usr/local/bin/take-psk", "bob"].',
  ),
  inStructured(
    'a command as one text',
    [[SINK, `type = "command"\nargv = "cat ${PLANTED}"`]],
    'link[0].sink[0].argv: is not a list of a program and its arguments. Write it like argv = ["/usr/local/bin/take-psk", "bob"].',
  ),
  inStructured(
    'an argument with a NUL',
    [[SINK, 'type = "command"\nargv = ["cat", "\\u0000"]']],
    'link[0].sink[0].argv: is not a list of a program and its arguments. Write it like argv = ["/usr/local/bin/take-psk", "bob"].',
  ),
  inStructured(
    'ways to an interface and to stop that there are not',
    [
      [
        SINK,
        `type = "wireguard"\ninterface = "wg0"\npublic_key = "${PUBLIC_KEY}"\n` +
          `via = "${PLANTED}"\nguard = "no"`,
      ],
      ['psk =', `on_stop = "${PLANTED}"\npsk =`],
    ],
    'link[0].on_stop: is not "keep" or "random". Write it like on_stop = "keep".',
    'link[0].sink[0].via: is not "auto" or "wg" or "uapi". Write it like via = "auto".',
    'link[0].sink[0].guard: is not true or false. Write it like guard = true.',
  ),
  ...['"wireguard0123456"', '"wg 0"', '"-wg0"', '"all"', '".."', '"wg0/1"', '""'].map((name) =>
    inStructured(
      `the interface name ${name}`,
      [[SINK, `type = "wireguard"\ninterface = ${name}\npublic_key = "${PUBLIC_KEY}"`]],
      INTERFACE,
    ),
  ),
  ...[
    PUBLIC_KEY.slice(0, -1),
    PUBLIC_KEY.replace('Q=', 'R='),
    ` ${PUBLIC_KEY}`,
    'A'.repeat(44),
    PLANTED,
  ].map((key) =>
    inStructured(
      `the public key "${key}"`,
      [[SINK, `type = "wireguard"\ninterface = "wg0"\npublic_key = "${key}"`]],
      KEY_LINE,
    ),
  ),
];

export const DURATIONS: readonly Refusal[] = [
  inStructured(
    'a duration without a unit',
    [['psk =', 'interval = 120\npsk =']],
    durationRefusal('link[0].interval', '100ms to 24h', '120s'),
  ),
  inStructured(
    'an interval too short',
    [['psk =', 'interval = "99ms"\npsk =']],
    durationRefusal('link[0].interval', '100ms to 24h', '120s'),
  ),
  inStructured(
    'an interval too long',
    [['psk =', 'interval = "25h"\npsk =']],
    durationRefusal('link[0].interval', '100ms to 24h', '120s'),
  ),
  inStructured(
    'a PSK that expires before the next can come',
    [['psk =', 'interval = "2m"\nmax_key_age = "130s"\npsk =']],
    `link[0].max_key_age: ${TIMING} With this interval, make it longer than 130s, or leave it out for 3m.`,
  ),
  inStructured(
    'more keys ahead than may be',
    [['psk =', 'lookahead = 17\npsk =']],
    'link[0].lookahead: is not a whole number from 0 to 16. Write it like lookahead = 3.',
  ),
  inStructured(
    'keys laid by that grow too old before their turn',
    [['psk =', 'lookahead = 3\nmax_lookahead_age = "6m"\npsk =']],
    'link[0].max_lookahead_age: is too short: keys that are laid by would be overwritten before it is ' +
      'their turn. With this interval and lookahead, make it longer than 390s, or leave it out.',
  ),
  inStructured(
    'keys ahead on protocol 1',
    [['psk =', 'protocol = 1\nlookahead = 1\npsk =']],
    'link[0].lookahead: is more than protocol 1 can: it lays no keys by. Remove it, or use protocol 2 ' +
      'at both ends.',
  ),
  inStructured(
    'the same with a quarter of a short interval',
    [['psk =', 'interval = "2s"\nmax_key_age = "2500ms"\npsk =']],
    `link[0].max_key_age: ${TIMING} With this interval, make it longer than 2500ms, or leave it out for 3s.`,
  ),
];
