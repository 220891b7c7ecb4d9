import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface End {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it as a process. */
const run = (args: readonly string[]): Promise<End> =>
  new Promise((resolve) => {
    const command = ['scripts/run.mjs', ...args];
    const child = execFile(process.execPath, command, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end();
  });

let loads = 0;
/** Runs a script of scripts/src in this process, where what it imports is loaded once. */
const runHere = async (args: readonly string[]): Promise<End> => {
  const [verb = '', ...rest] = args;
  const entry = verb === 'bench' ? 'bench/src/main.ts' : `scripts/src/${verb}.ts`;
  const [out, err] = ([process.stdout, process.stderr] as const).map((stream) =>
    vi.spyOn(stream, 'write').mockReturnValue(true),
  );
  const { argv, exitCode } = process;
  loads += 1;
  process.argv = [process.execPath, entry, ...rest];
  try {
    await import(/* @vite-ignore */ `${root}${entry}?load=${loads}`);
    const text = (spy: typeof out): string => spy?.mock.calls.map(([chunk]) => String(chunk)).join('') ?? '';
    return { code: Number(process.exitCode), stdout: text(out), stderr: text(err) };
  } finally {
    Object.assign(process, { argv, exitCode });
  }
};
afterEach(() => vi.restoreAllMocks());

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
  ['mutate', 'nope'],
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

const ROWS = WRONG.map((args) => [args.join(' '), args] as const);
/** What ends its process, starts another, or is refused before any script is loaded. */
const isProcess = ([name]: (typeof ROWS)[number]): boolean =>
  /^(start|mutate|taleback|nope|tour|--node|e2e load|$)/.test(name);

const ONE_SENTENCE = { code: 2, stdout: '', lines: 1, isSentence: true, hasStack: false };
const judge = ({ code, stdout, stderr }: End): typeof ONE_SENTENCE => ({
  code,
  stdout,
  lines: stderr.trim().split('\n').length,
  isSentence: /^\S+ .{10,}$/.test(stderr.trim()),
  hasStack: /\bat .*:\d+:\d+|file:\/\//.test(stderr),
});

/** A process starts in a second; on a busy machine, the one that loads most of Firebase took a minute. */
const TIMEOUT_MS = 180_000;

describe('wrong usage', { timeout: TIMEOUT_MS }, () => {
  it.concurrent.each(ROWS.filter(isProcess))(
    'of "%s" is one sentence, and ends with 2',
    async (_name, args) => {
      const end = await run(args);
      expect(judge(end), end.stderr).toEqual(ONE_SENTENCE);
    },
  );
  it.each(ROWS.filter((row) => !isProcess(row)))(
    'of "%s" is one sentence, and sets the exit code 2',
    async (_name, args) => {
      const end = await runHere(args);
      expect(judge(end), end.stderr).toEqual(ONE_SENTENCE);
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
