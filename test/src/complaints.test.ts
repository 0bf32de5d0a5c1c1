import { expect, test } from '@jest/globals';
import { Complaints } from '../../src/complaints.ts';
import { QupskdError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';

function recording(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => {
    lines.push(`${level} ${message}`);
  };
  const log: Log = {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: () => log,
  };
  return { log, lines };
}

test('the same reason is a warning once; another reason, or the same after a success, again', () => {
  const { log, lines } = recording();
  const complaints = new Complaints(log);
  complaints.say('no answer', { reason: 'ECONNREFUSED' });
  complaints.say('no answer', { reason: 'ECONNREFUSED' });
  complaints.say('no answer', { reason: 'timeout' });
  complaints.say('no answer', { reason: 'ECONNREFUSED' });
  complaints.clear();
  complaints.say('no answer', { reason: 'ECONNREFUSED' });
  expect(lines).toEqual([
    'warn no answer',
    'debug no answer',
    'warn no answer',
    'warn no answer',
    'warn no answer',
  ]);
});

test('complaints of different kinds do not hide each other', () => {
  const { log, lines } = recording();
  const complaints = new Complaints(log);
  const error = () => new QupskdError('ERR_KME_UNAVAILABLE', 'the KME answered 503');
  complaints.say('no key', { error: error() });
  complaints.say('no answer', { reason: 'timeout' });
  complaints.say('no key', { error: error() });
  expect(lines).toEqual(['warn no key', 'warn no answer', 'debug no key']);
});

test('the newest is present until a success', () => {
  const complaints = new Complaints(recording().log);
  expect(complaints.present).toBeNull();
  complaints.say('no answer', { reason: 'timeout' });
  expect(complaints.present).toBe('no answer (timeout)');
  complaints.say('no key', { error: new QupskdError('ERR_KME_UNAVAILABLE', 'it answered 503') });
  expect(complaints.present).toBe('no key (ERR_KME_UNAVAILABLE)');
  complaints.clear();
  expect(complaints.present).toBeNull();
});
