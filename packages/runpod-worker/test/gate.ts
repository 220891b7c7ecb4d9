/** A promise that a test settles when it wants to. */
export interface Gate<T> {
  readonly promise: Promise<T>;
  readonly open: (value: T) => void;
}

export const createGate = <T = void>(): Gate<T> => {
  let settle: ((value: T) => void) | undefined;
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return { promise, open: (value) => settle?.(value) };
};
