import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE, type ErrorCode, describeError } from './catalogue.ts';
import {
  type ErrorReport,
  TalebackError,
  errorFromReport,
  isTalebackError,
  reportError,
} from './taleback-error.ts';

const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

describe('TalebackError', () => {
  it.each(codes)('takes category and retryable of %s from the catalogue', (code) => {
    const error = new TalebackError(code, 'words');
    expect([error.category, error.retryable]).toEqual([
      describeError(code).category,
      describeError(code).retryable,
    ]);
  });

  it('lets the thrower know better, and keeps the cause', () => {
    const cause = new Error('below');
    const error = new TalebackError('text_empty', 'words', {
      retryable: true,
      cause,
      details: 'd',
      retryAfterMs: 7,
    });
    expect([error.retryable, error.cause, error.details, error.retryAfterMs]).toEqual([true, cause, 'd', 7]);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('TalebackError');
  });

  it('has no cause of its own when none was given', () => {
    expect(Object.hasOwn(new TalebackError('internal', 'words'), 'cause')).toBe(false);
  });
});

describe('isTalebackError', () => {
  it('knows our errors by their brand, wherever they were made', () => {
    const ours = new TalebackError('internal', 'words');
    expect(isTalebackError(ours)).toBe(true);
    expect(isTalebackError(Object.assign({}, ours))).toBe(true);
  });

  it.each([null, undefined, 'taleback.error', 1, {}, { brand: 'other' }, new Error('x')])(
    'does not take %s for one',
    (value) => {
      expect(isTalebackError(value)).toBe(false);
    },
  );
});

describe('reports', () => {
  const anyReport: fc.Arbitrary<ErrorReport> = fc.record(
    {
      code: fc.constantFrom(...codes),
      message: fc.string(),
      retryable: fc.boolean(),
      details: fc.string(),
      retryAfterMs: fc.nat(),
    },
    { requiredKeys: ['code', 'message', 'retryable'] },
  );

  it('survive the way over the wire and back', () => {
    fc.assert(
      fc.property(anyReport, (report) => {
        const received = JSON.parse(JSON.stringify(report)) as ErrorReport;
        expect(reportError(errorFromReport(received))).toEqual(report);
      }),
    );
  });

  it('carry no stack and no cause', () => {
    const error = new TalebackError('internal', 'words', { cause: new Error('secret') });
    expect(Object.keys(reportError(error)).sort()).toEqual(['code', 'message', 'retryable']);
  });
});
