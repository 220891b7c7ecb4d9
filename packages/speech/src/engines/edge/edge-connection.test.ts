import { describe, expect, test } from 'vitest';
import { serviceToken } from './edge-connection.ts';

describe('serviceToken', () => {
  // Computed with Python's hashlib and whole numbers.
  test.each([
    [1_763_632_800_000, '2F0B61A2458F9903AE27C4F7ABFFC7B588459511E16EB92DE1A5A95E3734F9E3'],
    [1_763_633_099_999, '2F0B61A2458F9903AE27C4F7ABFFC7B588459511E16EB92DE1A5A95E3734F9E3'],
    [1_763_633_100_000, 'C54C01E1646406915C09CD9BEA294BE108A76D98D21DEF556E841B00C53F4846'],
    [1_700_000_000_123, '42301B335578FEFDAE2637DED1ABD614505D432559EC08032B82048483726AFF'],
  ])('at %d is %s', (nowMs, token) => {
    expect(serviceToken(nowMs)).toBe(token);
  });
});
