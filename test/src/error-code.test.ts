import { expect, test } from '@jest/globals';
import { errorCode } from '../../src/error-code.ts';

test.each([
  [Object.assign(new Error('planted'), { code: 'ENOENT' }), 'ENOENT'],
  [Object.assign(new TypeError('planted'), { code: 'planted key' }), 'TypeError'],
  [Object.assign(new Error('planted'), { name: 'AxiosError', code: undefined }), 'AxiosError'],
  [Object.assign(new Error('planted'), { name: 'planted\nname' }), 'unknown error'],
  [AbortSignal.abort().reason, 'AbortError'],
  ['planted', 'unknown error'],
  [null, 'unknown error'],
])('%#: code, else class, never the message', (error, code) => {
  expect(errorCode(error)).toBe(code);
});
