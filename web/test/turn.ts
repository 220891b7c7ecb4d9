import { act } from '@testing-library/preact';

/** Does something and lets everything that follows from it, promises included, reach the page. */
export const turn = (run: () => void): Promise<void> =>
  act(async () => {
    run();
    await new Promise((resolve) => {
      setTimeout(resolve);
    });
  });
