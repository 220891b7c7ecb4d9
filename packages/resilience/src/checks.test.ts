import { describe, expect, it } from 'vitest';
import { checkInteger, checkNumber } from './checks.ts';

describe('checkNumber', () => {
  it('takes the bounds themselves', () => {
    expect(() => checkNumber('waitMs', 1, 1, 5)).not.toThrow();
    expect(() => checkNumber('waitMs', 5, 1, 5)).not.toThrow();
  });

  it.each([0.9, 5.1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s and names the field', (value) => {
    expect(() => checkNumber('waitMs', value, 1, 5)).toThrow(/^waitMs must be a number from 1 to 5, got /);
  });

  it('refuses infinity also without an upper bound', () => {
    expect(() => checkNumber('waitMs', Number.POSITIVE_INFINITY, 1)).toThrow(
      'waitMs must be a number at least 1',
    );
  });
});

describe('checkInteger', () => {
  it('refuses fractions', () => {
    expect(() => checkInteger('attempts', 2, 1)).not.toThrow();
    expect(() => checkInteger('attempts', 2.5, 1)).toThrow('attempts must be an integer, got 2.5');
  });
});
