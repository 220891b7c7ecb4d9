import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { request, synthesize } from './requests.ts';
import { childArguments, pythonEnvironment, startChild } from './speech-child.ts';

// What does not end a child leaves it running for ever, and its test times out.

describe('the end of standard input', () => {
  test.each(['!wait', '!hang', '!spin /no/such/gate'])('ends the child in the middle of %s', async (text) => {
    const child = startChild();
    await child.send(synthesize(text, 'running'));
    await child.send(synthesize('queued', 'queued'));
    await child.logged(`tone: speaking ${text}`);
    child.endInput();
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  test('ends it while its model loads', async () => {
    const child = startChild({ options: { load: 'hang' } });
    await child.logged('tone: loading');
    child.endInput();
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  test('ends it while its output is not read', async () => {
    const child = startChild();
    child.stdout.pause();
    await child.send(synthesize(`!give ${2 ** 24}`, 'big'));
    await child.logged('tone: speaking !give');
    await child.send(request({ type: 'ping' }, 'ping'));
    child.endInput();
    // Its end is heard only when its output is read to the end.
    child.stdout.resume();
    expect(await child.ended).toMatchObject({ signal: null });
  });

  test('an output without a reader ends it as well', async () => {
    const child = startChild();
    await child.send(synthesize('!wait', 'running'));
    await child.logged('tone: speaking !wait');
    child.stdout.destroy();
    await child.send(request({ type: 'ping' }, 'ping'));
    expect(await child.ended).toMatchObject({ signal: null });
  });
});

/** A parent that starts a child with these streams, says when the child works, and is then killed. */
const PARENT = `
const { spawn } = require('node:child_process');
const [stdio, ...args] = JSON.parse(process.argv[1]);
spawn('python3', args, { stdio });
`;

const killers: (() => void)[] = [];
afterEach(() => {
  for (const kill of killers.splice(0)) kill();
});

const startParent = (stdio: readonly (number | 'pipe')[]): ChildProcess => {
  const parent = spawn(process.execPath, ['-e', PARENT, JSON.stringify([stdio, ...childArguments()])], {
    env: pythonEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  killers.push(() => void parent.kill('SIGKILL'));
  return parent;
};

describe('a killed parent', () => {
  test.runIf(process.platform === 'linux')('takes the child along, though its input stays open', async () => {
    const parent = startParent([3, 1, 2]);
    // Node closes its end of the first three streams with the parent; this one stays open.
    const input = parent.stdio[3] as Writable;
    input.on('error', () => {});
    const log = createInterface({ input: parent.stderr as Readable });
    const working = once(log, 'line');
    input.write(`${JSON.stringify(synthesize('!hang', 'req-1'))}\n`);
    await working;
    const childIsGone = once(parent.stdout as Readable, 'close');
    parent.stdout?.resume();
    parent.kill('SIGKILL');
    await expect(childIsGone).resolves.toBeDefined();
    input.destroy();
  });

  test('takes the child along with its pipes', async () => {
    const parent = startParent(['pipe', 1, 2]);
    const working = once(createInterface({ input: parent.stderr as Readable }), 'line');
    await working;
    const childIsGone = once(parent.stdout as Readable, 'close');
    parent.stdout?.resume();
    parent.kill('SIGKILL');
    await expect(childIsGone).resolves.toBeDefined();
  });
});
