/** The part of `process` that is used. */
export interface LinkedProcess {
  /** Undefined in a process that was started without a channel to its parent; false when the channel has closed. */
  readonly connected?: boolean | undefined;
  readonly channel?: { unref(): void } | null | undefined;
  once(event: 'disconnect', hear: () => void): unknown;
}

/**
 * Calls back when the supervisor is gone, however it went: the channel between the two closes with its end, even of a
 * kill -9. Without a supervisor it never does. The channel does not keep this process alive.
 *
 * @returns true when there is a supervisor
 */
export const onSupervisorGone = (callback: () => void, linked: LinkedProcess = process): boolean => {
  if (linked.connected === undefined) return false;
  if (!linked.connected) {
    queueMicrotask(callback); // it went before anybody listened
    return true;
  }
  linked.once('disconnect', callback);
  // Listening holds the event loop open; a worker that is done must end all the same.
  linked.channel?.unref();
  return true;
};
