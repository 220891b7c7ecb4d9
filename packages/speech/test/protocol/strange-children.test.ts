import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { childArgs } from '../children/own-child.ts';
import { type DrivenChild, endDriven, isRunning, startDriven } from './driven-child.ts';

afterEach(endDriven);

const startScript = (script: string, negotiationTimeoutMs = 10_000): Promise<DrivenChild> =>
  startDriven({ args: ['-e', script], negotiationTimeoutMs });

/** A child of the years before `hello`, in full. */
const OLD_CHILD = `
const fs = require('node:fs');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { type, text, output_path } = JSON.parse(line);
  if (type !== 'synthesize') return console.log(JSON.stringify({ success: false, error: 'unknown type ' + type }));
  if (text === 'bad') return console.log(JSON.stringify({ success: false, error: 'no such voice' }));
  const wav = Buffer.alloc(46);
  wav.write('RIFF'); wav.writeUInt32LE(38, 4); wav.write('WAVEfmt ', 8); wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20); wav.writeUInt16LE(1, 22); wav.writeUInt32LE(16000, 24); wav.writeUInt32LE(32000, 28);
  wav.writeUInt16LE(2, 32); wav.writeUInt16LE(16, 34); wav.write('data', 36); wav.writeUInt32LE(2, 40);
  wav.writeInt16LE(text.length, 44);
  fs.writeFileSync(output_path, wav);
  console.log(JSON.stringify({ success: true, output_path }));
});
`;

describe('an old child', () => {
  test.each([
    ['answers hello with its complaint', '', 10_000],
    ['greets first', 'console.log(JSON.stringify({ status: "starting" }));', 10_000],
    ['is silent while its model loads', 'for (const t = Date.now(); Date.now() - t < 400; );', 100],
  ])('that %s is spoken to in 1.0', async (_, before, negotiationTimeoutMs) => {
    const driven = await startScript(before + OLD_CHILD, negotiationTimeoutMs);
    expect(await driven.ready).toEqual({ protocol: '1.0.0', concurrency: 1, model: undefined });
    const ends = [];
    for (const text of ['one', 'three', 'bad', 'seventeen']) ends.push(await driven.speak(text).end);
    expect(ends).toMatchObject([
      { sound: { samples: Int16Array.of(3) } },
      { sound: { samples: Int16Array.of(5) } },
      { error: { code: 'voice_not_found' } },
      { sound: { samples: Int16Array.of(9) } },
    ]);
    expect(driven.filesLeft()).toEqual([]);
    driven.child.leave();
    expect(await driven.ended).toBe('exit code 0');
  });
});

describe('a child that is none', () => {
  test('and writes without end is ended', async () => {
    const driven = await startScript("setInterval(() => process.stdout.write('x'.repeat(65536)), 0)");
    expect(await driven.ended).toBe('broke the protocol: a line of more than 1048576 bytes (signal SIGKILL)');
    expect(isRunning(driven.pid)).toBe(false);
  });

  test('and writes random bytes is spoken to in 1.0, and its calls end with it', async () => {
    const script = `
      for (let count = 0; count < 200; count += 1) process.stdout.write(require('node:crypto').randomBytes(1000).toString('latin1') + '\\n');
      require('node:readline').createInterface({ input: process.stdin }).once('line', () => {}).on('line', (line) => {
        if (line.includes('hello?')) process.exit(3);
      });
    `;
    const driven = await startScript(script, 300);
    await driven.ready;
    const call = driven.speak('hello?');
    expect(await driven.ended).toBe('exit code 3');
    await expect(call.end).rejects.toThrow('exit code 3');
    expect(driven.filesLeft()).toEqual([]);
    expect(driven.lines.filter((line) => line.startsWith('speech child wrote something else'))).toHaveLength(
      20,
    );
  });

  test('and cannot even be started is reported', async () => {
    const driven = await startDriven({ command: '/no/such/program', args: [] });
    expect(await driven.ended).toContain('ENOENT');
    expect(driven.child.pid).toBeUndefined();
    driven.speak('into the void');
    driven.child.leave();
    driven.child.kill();
  });

  test('logs as it likes: every line is passed on, also the last and one without end', async () => {
    const long = "process.stderr.write('y'.repeat(20000));";
    const driven = await startScript(`process.stderr.write('10%\\r20%\\r\\n\\nwords\\n');${long}`);
    await driven.ended;
    const said = driven.lines.map(
      (line) => (JSON.parse(line.slice(line.indexOf('{'))) as { line: string }).line,
    );
    expect(said.slice(0, 3)).toEqual(['10%', '20%', 'words']);
    expect(said.slice(3).join('')).toBe('y'.repeat(20_000));
    expect(Math.max(...said.map(({ length }) => length))).toBeLessThanOrEqual(8_192);
  });

  test.runIf(process.platform === 'linux')('takes along whatever it has started', async () => {
    const script = `
      const helper = require('node:child_process').spawn('sleep', ['60'], { stdio: 'inherit' });
      process.stderr.write(helper.pid + '\\n');
      process.stdin.once('data', () => process.exit(5));
      process.stdin.pause();
      process.stdin.resume();
    `;
    const driven = await startScript(script);
    expect(await driven.ended).toBe('exit code 5');
    const helperPid = Number(/"line":"(\d+)"/.exec(driven.lines.join())?.[1]);
    expect(helperPid).toBeGreaterThan(1);
    await expect.poll(() => isRunning(helperPid)).toBe(false);
  });
});

describe('a manager that is killed', () => {
  test.each(['2.1.0', '2.0.0', '1.0.0'])('in %s leaves no child behind', async (version) => {
    const args = childArgs('../children/mortal-manager.ts', import.meta.url).concat(version);
    const manager = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(createInterface({ input: manager.stdout }), 'line')) as [string];
      const childPid = Number(line);
      expect(isRunning(childPid)).toBe(true);
      manager.kill('SIGKILL');
      await expect.poll(() => isRunning(childPid)).toBe(false);
    } finally {
      manager.kill('SIGKILL');
    }
  });
});
