/** Which socket belongs to which configuration, for whom. */
import { expect, test } from '@jest/globals';
import { defaultSocketPath, type Host } from '../../../src/control/socket-path.ts';

const ROOT: Host = { isWritable: () => true, userFolder: undefined };
const USER: Host = { isWritable: () => false, userFolder: '/run/user/1000' };

test.each<[string, Host, string | null]>([
  ['/etc/qupskd.toml', ROOT, '/run/qupskd/qupskd.sock'],
  ['example/qupskd_alice.toml', ROOT, '/run/qupskd/qupskd_alice.sock'],
  ['./site', ROOT, '/run/qupskd/site.sock'],
  ['/etc/qupskd.toml', USER, '/run/user/1000/qupskd/qupskd.sock'],
  [
    '/etc/qupskd.toml',
    { ...USER, isWritable: (folder) => folder === '/run/qupskd' },
    '/run/qupskd/qupskd.sock',
  ],
  ['/etc/qupskd.toml', { ...USER, userFolder: undefined }, null],
])('%s', (file, host, path) => {
  expect(defaultSocketPath(file, host)).toBe(path);
});
