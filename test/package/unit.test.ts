/** The unit for systemd, as systemd itself reads and rates it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { makeFolder } from '../support/folders.ts';

const EXAMPLES = 'example/systemd';
/** Of 10, by `systemd-analyze security`; what a version of systemd measures differs a little. */
const EXPOSURE_MAX = 1.5;
const EXPOSURE_WITH_WIREGUARD_MAX = 2.2;

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasAnalyze) console.warn('skipped: the unit as systemd reads it; there is no systemd-analyze');
const describeHere = hasAnalyze ? describe : describe.skip;

/** A copy of the unit whose program is there, with some of its drop-ins. */
function unitWith(dropIns: readonly string[]): string {
  const folder = makeFolder();
  const unit = join(folder, 'qupskd.service');
  const text = readFileSync(join(EXAMPLES, 'qupskd.service'), 'utf8');
  writeFileSync(unit, text.replaceAll('/usr/bin/qupskd', process.execPath));
  mkdirSync(`${unit}.d`);
  for (const name of dropIns)
    copyFileSync(join(EXAMPLES, 'qupskd.service.d', name), join(`${unit}.d`, name));
  return unit;
}

describeHere('qupskd.service', () => {
  test.each([[[]], [readdirSync(join(EXAMPLES, 'qupskd.service.d'))]])(
    'with the drop-ins %j nothing in it is unknown to systemd',
    (dropIns) => {
      const { stderr, status } = spawnSync('systemd-analyze', ['verify', unitWith(dropIns)], {
        encoding: 'utf8',
      });
      // Other units of this machine are none of ours.
      expect(stderr.split('\n').filter((line) => line.includes('qupskd'))).toEqual([]);
      expect(status).toBe(0);
    },
  );

  test.each([
    { dropIns: [], max: EXPOSURE_MAX },
    { dropIns: ['credentials.conf'], max: EXPOSURE_MAX },
    { dropIns: ['wireguard.conf'], max: EXPOSURE_WITH_WIREGUARD_MAX },
  ])('with $dropIns it is exposed to at most $max of 10', ({ dropIns, max }) => {
    const args = ['security', '--offline=yes', '--no-pager', unitWith(dropIns)];
    const said = execFileSync('systemd-analyze', args, { encoding: 'utf8' });
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    expect(exposure).toBeLessThanOrEqual(max);
  });
});

test('only the drop-in for WireGuard gives a capability', () => {
  const grants = [
    'qupskd.service',
    ...readdirSync(join(EXAMPLES, 'qupskd.service.d')).map((name) => `qupskd.service.d/${name}`),
  ].filter((name) => /^AmbientCapabilities=.+/m.test(readFileSync(join(EXAMPLES, name), 'utf8')));
  expect(grants).toEqual(['qupskd.service.d/wireguard.conf']);
});
