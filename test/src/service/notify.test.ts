/** The message to the service manager, as its socket receives it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { notifierAt } from '../../../src/service/notify.ts';
import { DatagramReceiver, MISSING } from '../../support/datagram-receiver.ts';
import { makeFolder } from '../../support/folders.ts';

const PATH = process.env['PATH'] ?? '';

if (MISSING !== null) {
  console.warn(`skipped: messages to a service manager; ${MISSING} is not installed`);
}
const testHere = MISSING === null ? test : test.skip;

let receiver: DatagramReceiver | undefined;
beforeAll(async () => {
  if (MISSING === null) receiver = await DatagramReceiver.listen(makeFolder());
});
afterAll(() => receiver?.close());

testHere('all assignments come in one message, as they are', async () => {
  await notifierAt(receiver?.path ?? '', PATH)('READY=1', 'STATUS=1 of 2: „böse" --help $(x)');
  expect(receiver?.messages).toEqual([['READY=1', 'STATUS=1 of 2: „böse" --help $(x)']]);
});

test.each([
  ['nobody listens', PATH],
  ['there is no such program', '/nonexistent'],
])('where %s, it fails', async (_what, path) => {
  await expect(notifierAt('/nonexistent/notify.sock', path)('READY=1')).rejects.toMatchObject({
    code: 'ERR_CONFIG_ENVIRONMENT',
  });
});
