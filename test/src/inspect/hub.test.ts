/** What a viewer gets that comes late. */
import { describe, expect, test } from '@jest/globals';
import type { StatelyInspectionEvent } from '@statelyai/inspect';
import { Hub } from '../../../src/inspect/hub.ts';

const HEAD = { rootId: 'x:0', createdAt: '0', id: '', _version: '0' };

function actor(sessionId: string, parentId?: string): StatelyInspectionEvent {
  const snapshot = { status: 'active' } as const;
  const own = { name: sessionId, definition: undefined, parentId, snapshot };
  return { ...HEAD, type: '@xstate.actor', sessionId, ...own };
}

function snapshot(sessionId: string, number: number): StatelyInspectionEvent {
  const event = { type: `event ${number}` };
  const state = { status: 'active', output: undefined, error: undefined } as const;
  return { ...HEAD, type: '@xstate.snapshot', sessionId, event, snapshot: state };
}

function remembered(hub: Hub): StatelyInspectionEvent[] {
  const got: StatelyInspectionEvent[] = [];
  hub.subscribe((event) => got.push(event))();
  return got;
}

describe('hub', () => {
  test('gives the past once and in order, then what comes', () => {
    const hub = new Hub();
    const past = [actor('x:0'), actor('x:1', 'x:0'), snapshot('x:0', 1), snapshot('x:0', 2)];
    for (const event of past) hub.send(event);
    const got: StatelyInspectionEvent[] = [];
    const unsubscribe = hub.subscribe((event) => got.push(event));
    const next = snapshot('x:0', 3);
    hub.send(next);
    unsubscribe();
    hub.send(snapshot('x:0', 4));
    expect(got).toEqual([...past, next]);
  });

  test('a link that has long been quiet is still known, with its newest snapshot', () => {
    const hub = new Hub();
    const quiet = [actor('x:0'), snapshot('x:0', 1)];
    for (const event of [...quiet, actor('x:9')]) hub.send(event);
    for (let number = 0; number < 2_000; number += 1) hub.send(snapshot('x:9', number));
    const past = remembered(hub);
    expect(past).toEqual(expect.arrayContaining(quiet));
    expect(past.length).toBeLessThan(1_000);
    expect(past.at(-1)).toEqual(snapshot('x:9', 1_999));
  });
});
