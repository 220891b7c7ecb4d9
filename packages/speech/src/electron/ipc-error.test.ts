import { ERROR_CATALOGUE, type ErrorCode, TalebackError } from '@taleback/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpcError, parseIpcError } from './ipc-error.ts';

describe('parseIpcError', () => {
  it('finds code and words again behind what Electron puts before them', () => {
    const codes = fc.constantFrom(...(Object.keys(ERROR_CATALOGUE) as ErrorCode[]));
    fc.assert(
      fc.property(codes, fc.string({ unit: 'grapheme' }), (code, message) => {
        const text = `Error invoking remote method 'tts-synthesize': Error: ${formatIpcError(new TalebackError(code, message))}`;
        expect(parseIpcError(text)).toEqual({ code, message });
      }),
    );
  });

  it.each(["Error invoking remote method 'x': TypeError: oh", '[no_such_code] oh', '[timed_out]', ''])(
    'calls %j unknown',
    (text) => {
      expect(parseIpcError(text)).toEqual({ code: 'unknown', message: text });
    },
  );
});
