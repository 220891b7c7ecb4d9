/** Whoever wants to hear of something. One that throws shows up as an unhandled rejection and changes nothing else. */
export class Listeners<T> {
  #listeners: readonly ((event: T) => void)[] = [];

  /** @returns a function that ends it */
  add(listener: (event: T) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  tell(event: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        void Promise.reject(error);
      }
    }
  }
}
