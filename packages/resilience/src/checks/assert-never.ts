/** Ends a switch over a union: the compiler refuses a forgotten member, and a value from outside the types throws. */
export function assertNever(value: never): never {
  throw new TypeError(`Unexpected value: ${JSON.stringify(value)}`);
}
