/** The grammar of faults: one table, two ways to write a fault down. */
import { describe, expect, test } from '@jest/globals';
import { QupskdError } from '../../../../src/errors.ts';
import {
  describeFaults,
  parseFault,
  parseFaultText,
  printFault,
} from '../../../../src/etsi014/simulator/faults.ts';

describe('a fault that can be read', () => {
  test.each<[string, object]>([
    ['stall', { stall: true }],
    ['delay=200,jitter=50', { delay: 200, jitter: 50 }],
    [
      'status=503,retry-after=2,method=enc,count=3',
      { status: 503, 'retry-after': 2, method: 'enc', count: 3 },
    ],
    ['probability=0.05,reset', { reset: true, probability: 0.05 }],
    ['lag=1500,jitter=100,kme=kme_a', { lag: 1500, jitter: 100, kme: 'kme_a' }],
    ['drop,kme=17', { drop: true, kme: '17' }],
    ['wrong-length=128,method=dec', { 'wrong-length': 128, method: 'dec' }],
    ['refill-rate=0.06', { 'refill-rate': 0.06 }],
    ['max-key-count=0,kme=kme_b', { 'max-key-count': 0, kme: 'kme_b' }],
    ['expired-certificate', { 'expired-certificate': true }],
  ])('%s is the same as text and as JSON', (text, json) => {
    expect(parseFaultText(text)).toEqual(parseFault(json));
    expect(printFault(parseFaultText(text))).toEqual(json);
  });
});

describe('what is refused, with the reason', () => {
  test.each([
    ['', 'name one of'],
    ['hail', 'name one of'],
    ['method=enc', 'name one of'],
    ['stall,reset', 'name one of'],
    ['stall,stall', 'stands twice'],
    ['delay', 'delay'],
    ['delay=', 'delay'],
    ['delay=1.5', 'delay'],
    ['delay=3600001', 'delay'],
    ['stall=1', 'stall'],
    ['status=200', 'status'],
    ['status=600', 'status'],
    ['stall,retry-after=1', 'retry-after'],
    ['stall,jitter=1', 'jitter'],
    ['stall,method=rotate', 'method'],
    ['lag=10,method=dec', 'enc only'],
    ['drop,method=status', 'enc and dec only'],
    ['stall,count=0', 'count'],
    ['stall,probability=0', 'probability'],
    ['stall,probability=1.1', 'probability'],
    ['wrong-length=100', 'wrong-length'],
    ['expired-certificate,count=1', 'count'],
    ['refill-rate=1,method=enc', 'method'],
  ])('%s', (text, reason) => {
    const parse = (): unknown => parseFaultText(text);
    expect(parse).toThrow(QupskdError);
    expect(parse).toThrow(reason);
    expect(parse).toThrow(/^The fault cannot be used: [^\n]+\.$/);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', ['stall']],
    ['a text', 'stall'],
    ['a switch that is off', { stall: false }],
    ['a number as text', { delay: '200' }],
    ['a name as number', { stall: true, method: 3 }],
    ['a kind of the prototype', { constructor: true }],
  ])('as JSON: %s', (_, input) => {
    expect(() => parseFault(input)).toThrow(QupskdError);
  });
});

test('the help names every kind and what limits it', () => {
  const lines = describeFaults().split('\n');
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}status=CODE +answer this status/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}stall +take the request/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}method=status\|enc\|dec +only/));
});
