import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const MODULE = new URL('../src/process-faults.ts', import.meta.url).href;

/** Runs a program that watches its faults, or one that does not. */
const run = (code: string, isWatched = true) => {
  const watch = `import { watchProcessFaults } from ${JSON.stringify(MODULE)};
    watchProcessFaults(process, (severity, message, fields) => console.log(JSON.stringify({ severity, message, ...fields })));`;
  const program = `${isWatched ? watch : ''}\n${code}`;
  const args = ['--conditions=@taleback/source', '--input-type=module', '--eval', program];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const lines = stdout.split('\n').filter(Boolean);
  return {
    status,
    faults: lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as object),
    lines,
  };
};

const LATER = `setTimeout(() => console.log('went on'), 50);`;
/** As the functions-framework does, after our code is loaded. */
const PLATFORM = `process.on('unhandledRejection', () => console.log('the platform decides'));`;

describe('faults of a functions process', () => {
  it.each([
    ['unhandledRejection', `Promise.reject(new Error('lost'));`],
    ['unhandledRejection', `Promise.reject('lost');`],
    ['uncaughtException', `setTimeout(() => { throw new Error('lost'); });`],
  ])('logs and counts an %s, and the process ends as it would without: %s', (origin, code) => {
    const watched = run(`${code}${LATER}`);
    expect(watched.faults).toEqual([
      { severity: 'error', message: 'process fault', origin, count: 1, error: expect.anything() as unknown },
    ]);
    expect(watched.status).toBe(run(`${code}${LATER}`, false).status);
    expect(watched.lines).not.toContain('went on');
  });

  it('leaves the end to the platform where it has a handler of its own', () => {
    const { status, faults, lines } = run(`${PLATFORM}Promise.reject(1);Promise.reject(1);${LATER}`);
    expect(faults).toMatchObject([{ count: 1 }, { count: 2 }]);
    expect(lines.filter((line) => line === 'the platform decides')).toHaveLength(2);
    expect([status, lines.at(-1)]).toEqual([0, 'went on']);
  });
});
