/**
 * `npm run lab`: real daemons and real WireGuard on this machine, each node in a network namespace of
 * its own, with a simulated KME at each end of every hop. Traffic goes through the tunnels while the
 * PSKs change; what happens is shown, and what is lost is counted. It is all taken down again, however
 * it ends.
 *
 * Exit codes: 0 it went as it should; 1 it did not, or this machine lacks something; 2 the command line
 * cannot be used; 128 + n ended by signal n (130 for Ctrl-C).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Chart, isCapable, Screen, wantsColour } from '../demo/screen.ts';
import { rejectedBy, watchInterrupts } from '../demo/signals.ts';
import type { LogLine } from '../demo/timeline.ts';
import { playDeadSession } from './dead-session.ts';
import { Lab } from './lab.ts';
import { missingForTunnels } from './needs.ts';
import { Network } from './network.ts';
import { readOptions, type Task } from './options.ts';
import { type Findings, playKmeOutage, playRotations } from './scenarios.ts';
import { Story } from './story.ts';

const LOOK_MS = 1_000;
const FIGURE_WIDTH = 32;

const PLAYS = {
  rotations: playRotations,
  'kme-outage': playKmeOutage,
  'dead-session': playDeadSession,
} as const;

const capable = isCapable(process.stdout, process.env);
const chart = new Chart(capable && wantsColour(process.env));
const screen = new Screen(process.stdout, capable);

async function main(): Promise<number> {
  const task = readOptions(process.argv);
  const missing = missingForTunnels();
  if (!existsSync(join(task.dist, 'qupskd.cjs'))) missing.push('the programs: `npm run build`');
  if (missing.length > 0) {
    screen.line(chart.verdict(false, `The lab needs what is missing here: ${missing.join(', ')}.`));
    return 1;
  }
  const { stop, exitCode } = watchInterrupts();
  const findings = await play(task, stop);
  for (const [name, value] of findings.figures)
    screen.line(`  ${name.padEnd(FIGURE_WIDTH)}${value}`);
  screen.line(chart.verdict(findings.good, findings.verdict));
  return exitCode() ?? (findings.good ? 0 : 1);
}

/** Plays a scenario in a network of its own, and leaves nothing of it behind. */
async function play(task: Task, stop: AbortController): Promise<Findings> {
  const network = await Network.create();
  const story = new Story(chart, screen);
  const { nodes, oneInterface, delayMs, dist, intervalMs, maxKeyAgeMs, onExpiry, via } = task;
  const link = {
    interval: `${intervalMs}ms`,
    max_key_age: `${maxKeyAgeMs}ms`,
    on_expiry: onExpiry,
  };
  const programs = {
    dist,
    settings: { link, sink: via === null ? {} : { via } },
    // What they say of each other while all are ended is no news.
    onLog: (node: string, line: LogLine) => {
      if (!network.isClosing) story.hear(lab, node, line);
    },
    onDeath: (how: string) => stop.abort(new Error(how)),
  };
  const lab = new Lab(network, { nodes, oneInterface, delayMs, programs });
  story.begin(lab.plan.hops.length);
  const timer = setInterval(() => void story.look(lab), LOOK_MS);
  try {
    const play = PLAYS[task.scenario]({ lab, story, task, signal: stop.signal });
    return await Promise.race([play, rejectedBy(stop.signal)]);
  } catch (error) {
    story.tellHeld();
    const why = error instanceof Error ? error.message : String(error);
    return {
      good: false,
      verdict: `The lab failed: ${why}; everything is taken down.`,
      figures: [],
    };
  } finally {
    clearInterval(timer);
    await network.close();
  }
}

process.exitCode = await main();
