import { describe, expect, it } from 'vitest';
import { isProtocolVersion, newestCommon, PROTOCOL_VERSIONS } from './protocol.ts';

describe('versions', () => {
  it('v1.0 current, v2.0 target, v2.1 future', () => {
    expect(PROTOCOL_VERSIONS).toEqual(['2.1.0', '2.0.0', '1.0.0']);
  });

  it.each(['2.1', '2.1.1', '3.0.0', '', '__proto__', 2.1, null, undefined, ['2.1.0']])(
    'does not know %j',
    (value) => {
      expect(isProtocolVersion(value)).toBe(false);
    },
  );

  it.each([
    [['2.1.0', '2.0.0', '1.0.0'], ['1.0.0', '2.0.0', '9.0.0'], '2.0.0'],
    [['1.0.0', '2.1.0'], ['1.0.0', '2.1.0'], '2.1.0'],
    [['2.0.0'], ['2.1.0', '1.0.0'], undefined],
    [['2.0.0'], [null, {}, 2], undefined],
    [[], ['2.0.0'], undefined],
  ] as const)('the newest of %j and %j is %s', (ours, theirs, newest) => {
    expect(newestCommon(ours, theirs)).toBe(newest);
  });
});
