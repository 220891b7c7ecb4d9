/** @throws {RangeError} naming the field, unless `value` is a finite number of at least `min` and at most `max` */
export function checkNumber(field: string, value: number, min: number, max = Number.MAX_VALUE): void {
  if (!(value >= min && value <= max)) {
    const bounds = max === Number.MAX_VALUE ? `at least ${min}` : `from ${min} to ${max}`;
    throw new RangeError(`${field} must be a number ${bounds}, got ${String(value)}`);
  }
}

/** @throws {RangeError} naming the field, unless `value` is an integer of at least `min` and at most `max` */
export function checkInteger(field: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): void {
  checkNumber(field, value, min, max);
  if (!Number.isInteger(value)) throw new RangeError(`${field} must be an integer, got ${String(value)}`);
}

/** Ends a switch over a union: a forgotten member does not compile, and a value outside the types throws. */
export function assertNever(value: never): never {
  throw new TypeError(`Unexpected value: ${JSON.stringify(value)}`);
}
