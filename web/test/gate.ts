export interface Gate<T> {
  readonly promise: Promise<T>;
  readonly open: (value: T) => void;
}

/** A promise that is kept when the test says so. */
export const createGate = <T>(): Gate<T> => {
  const kept: ((value: T) => void)[] = [];
  const promise = new Promise<T>((resolve) => {
    kept.push(resolve);
  });
  return {
    promise,
    open: (value) => {
      for (const resolve of kept) resolve(value);
    },
  };
};
