import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface End {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (args: readonly string[]): Promise<End> =>
  new Promise((resolve) => {
    const command = ['scripts/run.mjs', ...args];
    const child = execFile(process.execPath, command, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end();
  });

const SEND = ['send-callback', '--story', 's'];
const AUDIO = ['--audio-url', 'https://a.example/1.mp3'];
const AT = ['--url', 'http://127.0.0.1:9999/api/tts/callback'];

/** Of each script, and of every way to be wrong: an option or argument that is not there, a value that is missing, no number or no address. */
const WRONG: readonly (readonly string[])[] = [
  ['start', '--nope'],
  ['start', 'extra'],
  ['test', '--nope'],
  ['test', '--project'],
  ['test', '--project', 'nope'],
  ['build', '--nope'],
  ['build', 'nope'],
  ['check', '--nope'],
  ['check-lines'],
  ['check-packages', '--nope'],
  ['ci', '--nope'],
  ['complete-lock', '--nope'],
  ['configuration-docs', '--nope'],
  ['firebase-files', '--check', '--region', 'no region'],
  ['e2e', '--nope'],
  ['e2e', 'nope'],
  ['e2e', 'browser'],
  ['e2e', 'chaos', '--seeds', 'abc'],
  ['e2e', 'load', '--callbacks=abc'],
  ['bench'],
  ['bench', 'nope'],
  ['bench', 'house', 'latency-child'],
  ['send-callback'],
  [...SEND, ...AT, ...AUDIO, '--duration-ms', 'abc'],
  [...SEND, ...AT, '--error', 'x', '--duration-ms', 'abc'],
  [...SEND, ...AT, '--error', 'x', ...AUDIO],
  [...SEND, ...AT, '--error'],
  [...SEND, ...AT, '--error', 'x', '--metadata', '{'],
  [...SEND, ...AT, '--error', 'x', '--secret', 'nonsense'],
  [...SEND, ...AT, '--error', 'x', '--nope'],
  [...SEND, '--error', 'x', '--url', 'nonsense'],
  [...SEND, '--error', 'x', '--url', 'ftp://a.example'],
  ['check-callbacks', '--url', 'nonsense'],
  ['check-callbacks', '--nope'],
  ['taleback', '--nope'],
  ['taleback', 'nope'],
  ['taleback', 'batch'],
  ['taleback', 'doctor', '--timeout', 'abc'],
  ['taleback', 'doctor', '--receiver', 'nonsense'],
  ['taleback', 'breaker', 'list', '--url', 'ftp://a.example'],
  ['nope'],
  ['tour'],
  ['--node', '21', 'test'],
  [],
];

/** A process starts in a second; on a busy machine, the one that loads most of Firebase took a minute. */
const TIMEOUT_MS = 180_000;

describe('wrong usage', { timeout: TIMEOUT_MS }, () => {
  it.concurrent.each(WRONG.map((args) => [args.join(' '), args] as const))(
    'of "%s" is one sentence, and ends with 2',
    async (_name, args) => {
      const { code, stdout, stderr } = await run(args);
      expect(stderr.trim().split('\n'), stderr).toHaveLength(1);
      expect(stderr.trim()).toMatch(/^\S+ .{10,}$/);
      expect(stderr).not.toMatch(/\bat .*:\d+:\d+|file:\/\//);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    },
  );

  it('is tried with every script there is', async () => {
    const { stderr } = await run(['nope']);
    const tried = WRONG.map(([script]) => script);
    const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const byNpm = Object.values(scripts).flatMap((command) => /run\.mjs (\S+)/.exec(command)?.slice(1) ?? []);
    const byName = /only (.+)\./.exec(stderr)?.[1]?.split(', ') ?? [];
    expect(byName).toEqual(expect.arrayContaining(byNpm));
    expect(tried).toEqual(expect.arrayContaining(byName));
  });
});
