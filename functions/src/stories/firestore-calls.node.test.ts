import type { Firestore } from 'firebase-admin/firestore';
import { expect, test } from 'vitest';
import { createFirestoreCalls } from './firestore-calls.node.ts';

const calls = createFirestoreCalls({} as Firestore, { timeoutMs: 60_000 });
const failWith = (code: number, message: string) => () =>
  Promise.reject(Object.assign(new Error(message), { code }));

test.each([
  [14, '14 UNAVAILABLE: No connection established'],
  [10, '10 ABORTED: Transaction lock timeout.'],
  [3, '3 INVALID_ARGUMENT: The referenced transaction has expired or is no longer valid.'],
])('a call that Firestore answers with %i may be tried again', async (code, message) => {
  expect(await calls.call(failWith(code, message))).toMatchObject({ kind: 'store-away' });
});

test('a call that is wrong is a fault', async () => {
  await expect(calls.call(failWith(3, '3 INVALID_ARGUMENT: a path is too long'))).rejects.toThrow('a path');
});
