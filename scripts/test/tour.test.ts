import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deleteApp, initializeApp } from 'firebase/app';
import { connectFunctionsEmulator, getFunctions } from 'firebase/functions';
import { describe, expect, it } from 'vitest';
import { sentenceOf } from '../src/command-line.ts';
import { callFunction } from '../src/stack/reader.ts';
import { runStep } from '../src/tour.ts';

/** What a step of the tour ends with, when the functions answer so. */
const endOf = async (answer: 'nothing' | number, timeoutMs: number): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume();
    if (answer !== 'nothing') response.writeHead(answer).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const app = initializeApp({ projectId: 'demo-tour', apiKey: 'emulator' }, `tour-${answer}-${timeoutMs}`);
  const functions = getFunctions(app);
  connectFunctionsEmulator(functions, '127.0.0.1', (server.address() as AddressInfo).port);
  try {
    await runStep('asked for "A"', () => callFunction(functions, { name: 'retry', data: {}, timeoutMs }));
    return 'it succeeded';
  } catch (error) {
    return sentenceOf(error);
  } finally {
    server.closeAllConnections();
    server.close();
    await deleteApp(app);
  }
};

describe('a step of the tour that fails', () => {
  it('says what was not answered in time', async () => {
    expect(await endOf('nothing', 50)).toBe(
      'The tour stopped while it asked for "A": the function retry did not answer within 0.05 s: deadline-exceeded',
    );
  });

  it('says which function failed', async () => {
    expect(await endOf(500, 60_000)).toBe(
      'The tour stopped while it asked for "A": the function retry failed: internal [500]',
    );
  });

  it('does not wait for ever for what has no limit of its own', async () => {
    const step = runStep('wrote "A"', () => new Promise(() => {}), 1);
    expect(await step.catch(sentenceOf)).toBe(
      'The tour stopped while it wrote "A": no answer within 0.001 s',
    );
  });
});
