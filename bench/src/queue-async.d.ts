/** The one function of `async` the queue bench uses; the package has no types. */
declare module 'async' {
  export function priorityQueue<T>(
    worker: (task: T) => Promise<unknown>,
    concurrency: number,
  ): { pushAsync(task: T, priority: number): Promise<unknown> };
}
