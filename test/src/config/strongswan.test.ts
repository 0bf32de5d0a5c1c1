/** The sink `strongswan-ppk` in a configuration: the connection in the words of swanctl.conf. */
import { describe, expect, test } from '@jest/globals';
import { checkEnvironment } from '../../../src/config/environment.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { FakeCharon } from '../../support/fake-charon.ts';
import { edited, Folder, STRUCTURED } from './toml-file.ts';

const FILE_SINK = 'type = "file"\npath = "./psk/bob.key"';
const CHILD = `
[link.sink.swanctl.children.net]
local_ts = "10.1.0.0/16, 10.2.0.0/16"
`;
const SINK = `type = "strongswan-ppk"
connection = "site"
[link.sink.swanctl]
local_addrs = ["192.0.2.1", "2001:db8::1"]
remote_addrs = "198.51.100.1"
mobike = false
dpd_delay = 10
[link.sink.swanctl.local]
auth = "pubkey"
certs = "/etc/qupskd/a.pem"
${CHILD}`;

const folder = new Folder();
const load = (...edits: [string, string][]): ReturnType<Folder['load']> =>
  folder.load(edited(STRUCTURED, [FILE_SINK, edited(SINK, ...edits)]));

test('lists as lists, the rest as text; the socket of the system', async () => {
  const { links } = await load();
  expect(links[0]?.sinks).toEqual([
    {
      type: 'strongswan-ppk',
      socket: '/run/charon.vici',
      connection: 'site',
      definition: {
        local_addrs: ['192.0.2.1', '2001:db8::1'],
        remote_addrs: ['198.51.100.1'],
        mobike: 'no',
        dpd_delay: '10',
        local: { auth: 'pubkey', certs: ['/etc/qupskd/a.pem'] },
        children: { net: { local_ts: ['10.1.0.0/16', '10.2.0.0/16'] } },
      },
    },
  ]);
});

const AT = 'link[0].sink[0].swanctl';
const NO_CHILD =
  'is missing, or has no table in it. Add [link.sink.swanctl.children.net] with local_ts and remote_ts.';
const ACTION = 'is neither "none" nor "trap": quPSKd brings the tunnel up and takes it down.';

test.each<[string, [string, string][], ...string[]]>([
  [
    'no connection at all',
    [[SINK.slice(SINK.indexOf('[link.sink.swanctl]')), '']],
    `${AT}: is missing. Add [link.sink.swanctl] with the connection as swanctl.conf would have it.`,
  ],
  [
    'what the sink writes itself',
    [['mobike = false', 'version = 1\nppk_id = "x"\nppk_required = false']],
    `${AT}.version: is written by quPSKd itself. Remove it.`,
    `${AT}.ppk_id: is written by quPSKd itself. Remove it.`,
    `${AT}.ppk_required: is written by quPSKd itself. Remove it.`,
  ],
  [
    'a uniqueness that refuses the new SA',
    [['mobike = false', 'unique = "keep"']],
    `${AT}.unique: is "keep": the IKE_SA with the new PPK would be refused. Remove it, or write unique = "no".`,
  ],
  ['no children', [[CHILD, '']], `${AT}.children: ${NO_CHILD}`],
  [
    'children that are none',
    [[CHILD, '[link.sink.swanctl.children]\nnet = 1\n']],
    `${AT}.children.net: is not a table. Write it as [link.sink.swanctl.children.net].`,
  ],
  [
    'actions of charon’s own',
    [['local_ts', 'start_action = "start"\nclose_action = "start"\nlocal_ts']],
    `${AT}.children.net.start_action: ${ACTION} Write start_action = "trap", or remove it.`,
    `${AT}.children.net.close_action: ${ACTION} Write close_action = "trap", or remove it.`,
  ],
  [
    'values that swanctl.conf cannot have',
    [['mobike = false', 'mobike = 0.5\nencap = ["yes"]\nproposals = [{ a = 1 }]\nvips = ""']],
    `${AT}.mobike: is not a text, a number, true or false. Write it as in swanctl.conf(5), in quotes.`,
    `${AT}.encap: is not a text, a number, true or false. Write it as in swanctl.conf(5), in quotes.`,
    `${AT}.proposals: is not a text or a list of texts. Write it as in swanctl.conf(5), in quotes.`,
    `${AT}.vips: is not a text or a list of texts. Write it as in swanctl.conf(5), in quotes.`,
  ],
  [
    'tables within tables within tables',
    [[CHILD, '[link.sink.swanctl.children.net.a.b.c]\nd = 1\n']],
    `${AT}.children.net.a.b: is nested too deep. See swanctl.conf(5).`,
  ],
  [
    'a key that is none',
    [['mobike = false', '"two words" = 1']],
    `${AT}: has a key that swanctl.conf cannot have. Use letters, digits, "_", "." and "-".`,
  ],
  [
    'a connection without a name',
    [['connection = "site"\n', 'conection = "site"\n']],
    'link[0].sink[0].conection: is not a known key. Did you mean connection?',
    'link[0].sink[0].connection: is missing. Add connection = "site".',
  ],
])('%s', async (_, edits, ...lines) => {
  const refused = await load(...edits).then(
    () => 'no refusal',
    (error: Error) => error.message.replaceAll(/^.*?\.toml: /gm, '').split('\n'),
  );
  expect(refused).toEqual(lines);
});

test('two sinks for one connection', async () => {
  const twice = edited(STRUCTURED, [FILE_SINK, `${SINK}[[link.sink]]\n${SINK}`]);
  await expect(folder.load(twice)).rejects.toThrow('collides with link[0].sink[0]');
});

describe('on this machine', () => {
  const problems = async (socket: string, certificate: string): Promise<readonly string[]> => {
    const config = await load(
      ['connection =', `socket = "${socket}"\nconnection =`],
      ['/etc/qupskd/a.pem', certificate],
    );
    const found = await checkEnvironment(config);
    return found.map(formatProblem).filter((line) => line.includes('sink'));
  };

  test('charon answers and the files are there; it is asked for nothing but its version', async () => {
    const charon = await FakeCharon.start();
    expect(await problems(charon.path, folder.write('a.pem', 'PEM'))).toEqual([]);
    expect(charon.asked).toEqual(['version']);
    await charon.stop();
  });

  test('neither', async () => {
    const [socket, certificate] = await problems('/nonexistent/vici', '/nonexistent/a.pem');
    expect(socket).toContain(
      'link[0].sink[0].socket: cannot be used: the VICI socket /nonexistent/vici could not be ' +
        'opened: ENOENT. See that charon runs with its vici plugin',
    );
    expect(certificate).toContain(
      `${AT}.local.certs: names a file that cannot be read. Write full paths of files`,
    );
  });
});
