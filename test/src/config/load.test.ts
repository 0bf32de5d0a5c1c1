/** What a file that is in order becomes: both forms, defaults, and what it warns of. */

import { describe, expect, test } from '@jest/globals';
import { Secret } from '../../../src/secret.ts';
import { edited, FLAT, Folder, PUBLIC_KEY, STRONG_PSK, STRUCTURED } from './toml-file.ts';

const NO_TLS = { cacert: null, cert: null, key: null };
const PROTOCOL_1_WARNING =
  'protocol: protocol 1 has no identity, no authentication and no confirmation: the two ends can ' +
  'drift apart unseen, and anybody who reaches the port can break the link. Where the other end is ' +
  'this quPSKd too, write at both ends: protocol = 2 and local_SAE_ID = "…".';

const folder = new Folder();

describe('the flat form', () => {
  test('with the keys of the original alone it is protocol 1 as the original speaks it', async () => {
    expect(await folder.load(FLAT)).toEqual({
      file: `${folder.path}/qupskd.toml`,
      form: 'flat',
      listen: { host: 'localhost', port: 5555, tls: null },
      log: { level: 'info', format: 'text' },
      control: { socket: null },
      audit: null,
      metrics: null,
      dashboard: null,
      links: [
        {
          name: 'bob',
          protocol: 1,
          localSaeId: null,
          remoteSaeId: 'sae_bob',
          url: 'http://localhost:5556',
          tls: null,
          psk: Secret.fromUtf8(STRONG_PSK),
          allow: null,
          intervalMs: 120_000,
          maxKeyAgeMs: 180_000,
          lookahead: 0,
          maxLookaheadAgeMs: 180_000,
          onExpiry: 'random',
          onStop: 'keep',
          kme: {
            urls: ['http://localhost:12345'],
            basePath: '/api/v1/keys',
            dialect: {
              method: 'GET',
              sendNumber: true,
              sendSize: true,
              sizeUnit: 'bits',
              keyIdCase: 'as-given',
            },
            kmeId: null,
            tls: NO_TLS,
            connectTimeoutMs: 3_000,
            totalTimeoutMs: 10_000,
            statusIntervalMs: 60_000,
            lowWaterKeys: 10,
          },
          sinks: [{ type: 'file', path: './psk/alice/bob.key' }],
        },
      ],
      warnings: [PROTOCOL_1_WARNING],
    });
  });

  test('the two lines of the warning make it protocol 2, with POST and no warning', async () => {
    const { links, warnings } = await folder.load(
      `protocol = 2\nlocal_SAE_ID = "sae_alice"\n${FLAT}`,
    );
    expect(links[0]).toMatchObject({
      protocol: 2,
      localSaeId: 'sae_alice',
      kme: { dialect: { method: 'POST' } },
    });
    expect(warnings).toEqual([]);
  });

  test('local_SAE_ID without protocol is protocol 2', async () => {
    const { links } = await folder.load(`local_SAE_ID = "sae_alice"\n${FLAT}`);
    expect(links[0]?.protocol).toBe(2);
  });

  test('an explicit protocol 1 keeps GET, and takes the new keys', async () => {
    const { links, log } = await folder.load(
      'protocol = 1\ninterval = "3s"\nmax_key_age = "1m"\non_expiry = "keep"\non_stop = "random"\n' +
        `allow = ["192.0.2.1"]\n${FLAT}[log]\nlevel = "debug"\nformat = "json"\n`,
    );
    expect(log).toEqual({ level: 'debug', format: 'json' });
    expect(links[0]).toMatchObject({
      protocol: 1,
      intervalMs: 3_000,
      maxKeyAgeMs: 60_000,
      onExpiry: 'keep',
      onStop: 'random',
      allow: ['192.0.2.1'],
      kme: { dialect: { method: 'GET' } },
    });
  });

  test('a public key means wg-set-psk on wg0_<alias>, and the folder is not used', async () => {
    const { links, warnings } = await folder.load(
      `wireguard_public_key = "${PUBLIC_KEY}"\n${FLAT}`,
    );
    expect(links[0]?.sinks).toEqual([
      { type: 'wg-set-psk', interface: 'wg0_bob', publicKey: PUBLIC_KEY, program: 'wg-set-psk' },
    ]);
    expect(warnings).toContain(
      'key_folder: is not used, because there is a wireguard_public_key. Remove one of the two.',
    );
  });

  test('the interface can be named', async () => {
    const { links } = await folder.load(
      edited(
        `protocol = 1\nwireguard_interface = "wg7"\nwireguard_public_key = "${PUBLIC_KEY}"\n${FLAT}`,
        ['key_folder = "./psk/alice"\n', ''],
      ),
    );
    expect(links[0]?.sinks).toMatchObject([{ interface: 'wg7' }]);
  });

  test('keys of older versions are taken, and named as unused with what replaces them', async () => {
    const { links, warnings } = await folder.load(
      `source_KME_ID = "a"\ntarget_KME_ID = "b"\nmaster_SAE_ID = "c"\nenable_fake_qkd_api = true\n${FLAT}`,
    );
    expect(links[0]?.protocol).toBe(1);
    expect(warnings).toEqual([
      'source_KME_ID: is not used. Remove it: a KME is known by its URL alone.',
      'target_KME_ID: is not used. Remove it: a KME is known by its URL alone.',
      'master_SAE_ID: is not used. Remove it; protocol 2 has local_SAE_ID for it.',
      'enable_fake_qkd_api: is not used. Remove it; where it was true, start qkd-simulator ' +
        '--stateless HOST PORT and let etsi_url name that host and port.',
      PROTOCOL_1_WARNING,
    ]);
  });

  test.each([
    ['./psk/', './psk/bob.key'],
    ['/', '/bob.key'],
  ])('key_folder %s gives %s', async (from, path) => {
    const { links } = await folder.load(edited(FLAT, ['./psk/alice', from]));
    expect(links[0]?.sinks).toEqual([{ type: 'file', path }]);
  });
});

describe('the structured form', () => {
  test('defaults', async () => {
    const { form, links, warnings } = await folder.load(STRUCTURED);
    expect(form).toBe('structured');
    expect(links[0]).toMatchObject({
      protocol: 2,
      localSaeId: 'sae_alice',
      intervalMs: 120_000,
      maxKeyAgeMs: 180_000,
      onExpiry: 'random',
      allow: null,
      kme: { dialect: { method: 'POST' }, connectTimeoutMs: 3_000, totalTimeoutMs: 10_000 },
    });
    expect(warnings).toEqual([]);
  });

  test('a timeout shorter than the default connect timeout shortens that too', async () => {
    const toml = edited(STRUCTURED, ['[[link]]', 'timeout = "1s"\n[[link]]']);
    expect((await folder.load(toml)).links[0]?.kme.connectTimeoutMs).toBe(1_000);
  });

  test('max_key_age follows the interval, and may be as long as a week', async () => {
    const short = await folder.load(edited(STRUCTURED, ['psk =', 'interval = "3s"\npsk =']));
    expect(short.links[0]?.maxKeyAgeMs).toBe(4_500);
    const long = await folder.load(
      edited(STRUCTURED, ['psk =', 'interval = "24h"\nmax_key_age = "168h"\npsk =']),
    );
    expect(long.links[0]?.maxKeyAgeMs).toBe(604_800_000);
  });

  test('max_lookahead_age follows lookahead: each key is used before, unless the operator says less', async () => {
    const some = await folder.load(edited(STRUCTURED, ['psk =', 'lookahead = 3\npsk =']));
    expect(some.links[0]).toMatchObject({ lookahead: 3, maxLookaheadAgeMs: 4 * 180_000 });
    const less = await folder.load(
      edited(STRUCTURED, ['psk =', 'lookahead = 3\nmax_lookahead_age = "7m"\npsk =']),
    );
    expect(less.links[0]?.maxLookaheadAgeMs).toBe(420_000);
    const most = await folder.load(
      edited(STRUCTURED, ['psk =', 'interval = "24h"\nlookahead = 16\npsk =']),
    );
    expect(most.links[0]?.maxLookaheadAgeMs).toBe(604_800_000);
  });

  test('URLs lose their trailing slash and keep their path', async () => {
    const toml = edited(STRUCTURED, ['http://localhost:5556', 'HTTP://LocalHost:5556/a/b//']);
    expect((await folder.load(toml)).links[0]?.url).toBe('http://localhost:5556/a/b');
  });

  test('a link with a KME of its own needs none at the top', async () => {
    const toml = edited(STRUCTURED, ['[kme]\nurl = "http://localhost:12345"\n', '']);
    const own = `${toml}[link.kme]\nurl = "http://localhost:1"\nmethod = "GET"\n`;
    expect((await folder.load(own)).links[0]?.kme).toMatchObject({
      urls: ['http://localhost:1'],
      dialect: { method: 'GET' },
    });
  });

  test('a KME may have several URLs, a path, an ID and a dialect of its own', async () => {
    const keys =
      'url = ["https://localhost:1/", "https://localhost:2/qkd"]\nbase_path = "/qkd/v2/keys/"\n' +
      'method = "GET"\nsend_number = false\nsend_size = false\nsize_unit = "bytes"\n' +
      'key_id_case = "upper"\nkme_id = "kme_alice"\nstatus_interval = "5s"\nlow_water = 0\n';
    const toml = edited(STRUCTURED, ['url = "http://localhost:12345"\n', keys]);
    const { links, warnings } = await folder.load(toml);
    expect(links[0]?.kme).toMatchObject({
      urls: ['https://localhost:1', 'https://localhost:2/qkd'],
      basePath: '/qkd/v2/keys',
      dialect: {
        method: 'GET',
        sendNumber: false,
        sendSize: false,
        sizeUnit: 'bytes',
        keyIdCase: 'upper',
      },
      kmeId: 'kme_alice',
      statusIntervalMs: 5_000,
      lowWaterKeys: 0,
    });
    expect(warnings).toEqual([]);
  });

  test('the key delivery API may live at the root', async () => {
    const toml = edited(STRUCTURED, ['[[link]]', 'base_path = "/"\n[[link]]']);
    expect((await folder.load(toml)).links[0]?.kme.basePath).toBe('');
  });

  test('plain http to another machine is warned of once, whichever URL it is', async () => {
    const urls = '["http://localhost:1", "http://192.0.2.1", "http://192.0.2.2"]';
    const toml = edited(STRUCTURED, ['"http://localhost:12345"', urls]);
    expect((await folder.load(toml)).warnings).toEqual([
      'kme.url: is plain http to another machine: QKD keys cross the network unprotected. ' +
        'Write https:// with cacert, cert and key.',
    ]);
  });

  test('SAE IDs may be integers, as some KMEs have them', async () => {
    const toml = edited(STRUCTURED, ['"sae_alice"', '17'], ['"sae_bob"', '4']);
    expect((await folder.load(toml)).links[0]).toMatchObject({
      localSaeId: '17',
      remoteSaeId: '4',
    });
  });

  test('every kind of sink', async () => {
    const sinks = [
      `type = "wireguard"\ninterface = "wg0"\npublic_key = "${PUBLIC_KEY}"`,
      `type = "wireguard"\ninterface = "wg1"\npublic_key = "${PUBLIC_KEY}"\nvia = "uapi"\nguard = false`,
      `type = "wg-set-psk"\npublic_key = "${PUBLIC_KEY}"\nprogram = "/opt/wg-set-psk"`,
      'type = "command"\nargv = ["tee", "", "x"]\ntimeout = "1s"',
      'type = "command"\nargv = ["tee", "", "x"]',
    ].map((sink) => `[[link.sink]]\n${sink}\n`);
    const { links } = await folder.load(STRUCTURED + sinks.join(''));
    const WIREGUARD = { type: 'wireguard', publicKey: PUBLIC_KEY, program: 'wg' } as const;
    expect(links[0]?.sinks.slice(1)).toEqual([
      { ...WIREGUARD, interface: 'wg0', via: 'auto', guard: true },
      { ...WIREGUARD, interface: 'wg1', via: 'uapi', guard: false },
      {
        type: 'wg-set-psk',
        interface: 'wg0_bob',
        publicKey: PUBLIC_KEY,
        program: '/opt/wg-set-psk',
      },
      { type: 'command', argv: ['tee', '', 'x'], timeoutMs: 1_000 },
      { type: 'command', argv: ['tee', '', 'x'], timeoutMs: 10_000 },
    ]);
  });

  test('a protocol 1 link needs no SAE ID of its own', async () => {
    const { links, warnings } = await folder.load(
      edited(STRUCTURED, ['local_SAE_ID = "sae_alice"', ''], ['psk =', 'protocol = 1\npsk =']),
    );
    expect(links[0]).toMatchObject({ protocol: 1, localSaeId: null });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^link\[0\]\.protocol: .* write at both ends: protocol = 2\.$/);
  });
});
