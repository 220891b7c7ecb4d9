import { describe, expect, it } from 'vitest';
import { Listeners } from './listeners.ts';

describe('Listeners', () => {
  it('tells everybody who has not ended it', () => {
    const listeners = new Listeners<string>();
    const heard: string[] = [];
    const end = listeners.add((event) => heard.push(`first ${event}`));
    listeners.add((event) => heard.push(`second ${event}`));
    listeners.tell('a');
    end();
    end();
    listeners.tell('b');
    expect(heard).toEqual(['first a', 'second a', 'second b']);
  });

  it('tells the others when one throws', async () => {
    const listeners = new Listeners<string>();
    const heard: string[] = [];
    const thrown = new Error('from a listener');
    listeners.add(() => {
      throw thrown;
    });
    listeners.add((event) => heard.push(event));
    // The test runner listens too, and would take the rejection for a failure.
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    const rejection = new Promise((resolve) => process.once('unhandledRejection', resolve));
    listeners.tell('a');
    expect(heard).toEqual(['a']);
    expect(await rejection).toBe(thrown);
    for (const other of others) process.on('unhandledRejection', other);
  });
});
