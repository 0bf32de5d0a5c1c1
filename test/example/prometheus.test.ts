/**
 * What is shipped for Prometheus and Grafana: promtool is content with it, each alert fires when it
 * should, and nothing names a metric or a label that no daemon has.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { metricsOfEverything } from '../src/metrics/everything.ts';
import { metricNames } from '../support/prometheus-text.ts';
import { promtoolTest } from '../support/promtool.ts';

const FOLDER = 'example/prometheus';
const read = (name: string): string => readFileSync(`${FOLDER}/${name}`, 'utf8');

function promtool(...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

const GOOD = { status: 0, output: expect.not.stringMatching(/FAIL|error/i) };

describe('promtool', () => {
  promtoolTest('takes the configuration', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toEqual(GOOD);
  });

  promtoolTest('takes the rules', () => {
    expect(promtool('check', 'rules', 'qupskd.rules.yml')).toEqual(GOOD);
  });

  promtoolTest('sees every alert fire when it should, and not before', () => {
    expect(promtool('test', 'rules', 'qupskd.rules.test.yml')).toEqual(GOOD);
  });
});

test('every alert has its test', () => {
  const alerts = [...read('qupskd.rules.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const tested = [...read('qupskd.rules.test.yml').matchAll(/alertname: (\w+)$/gm)];
  expect(alerts.length).toBeGreaterThan(10);
  expect(tested.map(([, name]) => name)).toEqual(alerts);
});

describe('every metric and label that is named', () => {
  let text: string;

  beforeAll(async () => {
    text = await metricsOfEverything();
  });

  /** Names of metrics, and the labels of each selector. */
  function namedIn(expressions: string): { metrics: Set<string>; matchers: Set<string> } {
    const metrics = expressions.match(/\b(qupskd|process)_\w+/g) ?? [];
    const matchers = [...expressions.matchAll(/\b(\w+)\{([^}]*)\}/g)].flatMap(
      ([, metric = '', list = '']) =>
        [...list.matchAll(/(\w+)=~?"/g)].map(([, label]) => `${metric} ${label}`),
    );
    return { metrics: new Set(metrics), matchers: new Set(matchers) };
  }

  const panelsOf = (json: string): string =>
    (JSON.parse(json) as { panels: { targets: { expr: string }[] }[] }).panels
      .flatMap(({ targets }) => targets.map(({ expr }) => expr))
      .join('\n');
  /** Without the words around the expressions, where a metric may be spoken of as well. */
  const expressionsOf = (yaml: string): string =>
    [...yaml.matchAll(/expr:([\s\S]*?)\n\s+(?:for|labels):/g)].map(([, text]) => text).join('\n');

  test.each([
    ['the rules', () => expressionsOf(read('qupskd.rules.yml'))],
    ['the tests of the rules', () => read('qupskd.rules.test.yml').replace(/description:.*/g, '')],
    ['the dashboard', () => panelsOf(read('grafana-dashboard.json'))],
  ])('in %s is there', (_where, expressions) => {
    const { metrics, matchers } = namedIn(expressions());
    const known = metricNames(text);
    expect(metrics.size).toBeGreaterThan(10);
    expect([...metrics].filter((name) => !known.has(name))).toEqual([]);

    const ofPrometheus = ['job', 'instance'];
    const unknown = [...matchers].filter((matcher) => {
      const [metric = '', label = ''] = matcher.split(' ');
      const sample = new RegExp(`^${metric}\\{[^}]*\\b${label}="`, 'm');
      return metric !== 'up' && !ofPrometheus.includes(label) && !sample.test(text);
    });
    expect(unknown).toEqual([]);
  });

  test('is documented', () => {
    const documented = readFileSync('docs/monitoring.md', 'utf8');
    const base = [...metricNames(text)].map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(base.filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
  });
});

test('the dashboard has an id of its own for each panel, and no two lie on each other', () => {
  const { panels } = JSON.parse(read('grafana-dashboard.json')) as {
    panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
  };
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});
