import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { closedPort } from '../../../packages/speech/test/diagnosis/servers.ts';
import { BASE_ENV, CLI_ARGS } from './run-cli.ts';

const PAGE = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
const [, runbook = ''] = /\n## Runbook: [^\n]*\n([^]*?)\n## /u.exec(PAGE) ?? [];
const COMMANDS = [...runbook.matchAll(/^```sh\n([^]*?)\n```$/gmu)].flatMap(([, block = '']) =>
  block.split('\n'),
);

/** What commands print, by a part of them; each ends with 0. */
const PRINTED: readonly (readonly [part: string, words: RegExp])[] = [
  ['/health/ready', /switched off by an operator|"ready":true/],
  ['uptime', /load average/],
  ['free', /Mem:/],
  ['worker_changes_total', /to="ready"/],
  ['stories_total', /end="failed"/],
  ['breaker list', /CLOSED|no circuit breaker/],
  ['SYSTEM PROTECTION', /SYSTEM PROTECTION/],
  ['protection\\|circuit', /SYSTEM PROTECTION/],
  ['Usage', /"memoryUsage":(0\.\d+|null)/],
  ['breaker reset', /Reset all/],
];

it('every command of the runbook runs against a real worker', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-runbook-'));
  // `npm run taleback -- …` without npm, whose start takes longer than most commands.
  const npm = `#!/bin/sh\nshift 3\nexec ${[process.execPath, ...CLI_ARGS].map((arg) => `'${arg}'`).join(' ')} "$@"\n`;
  writeFileSync(join(folder, 'npm'), npm, { mode: 0o755 });
  const port = await closedPort();
  const env = {
    ...BASE_ENV,
    PATH: [folder, BASE_ENV.PATH].join(delimiter),
    JOB_SOURCE: 'runpod-dev',
    RUNPOD_DEV_PORT: '0',
    AUDIO_PORT: '0',
    HEALTH_PORT: String(port),
    SYSTEM_PROTECTION: 'off',
    SPEECH_WORKERS_MAX: '1',
  };
  const run = async (command: string) => {
    const file = join(folder, 'printed');
    const output = openSync(file, 'w');
    const child = spawn('bash', ['-c', command], { cwd: folder, env, stdio: ['ignore', output, output] });
    const [code] = (await once(child, 'exit')) as [number | null];
    return { command, code, printed: readFileSync(file, 'utf8') };
  };
  const waitForHealth = (words: RegExp) =>
    vi.waitFor(
      async () => {
        const status = await fetch(`http://127.0.0.1:${port}/health/status`).then(
          (response) => response.text(),
          () => 'gone',
        );
        expect(status).toMatch(words);
      },
      { timeout: 120_000, interval: 50 },
    );
  try {
    for (const line of COMMANDS) {
      const command = line.replace('9464', String(port));
      // The doctor alone takes longer than all the others.
      if (command.includes('doctor') && process.env['TEST_ALL'] === undefined) continue;
      const { code, printed } = await run(command);
      const words = PRINTED.find(([part]) => command.includes(part))?.[1] ?? /^/u;
      expect({ command, code, printed }).toEqual({
        command,
        code: 0,
        printed: expect.stringMatching(words) as string,
      });
      if (command.includes('worker --restart')) await waitForHealth(/"state":"READY"/u);
      if (command.startsWith('kill')) await waitForHealth(/^gone$/u);
      // The control file is looked at once a second.
      if (command.includes('=disabled')) await waitForHealth(/switched off by an operator/u);
      if (command.includes('=on')) await waitForHealth(/"ready":true/u);
    }
    expect(COMMANDS.length).toBeGreaterThan(20);
  } finally {
    await run('kill "$(cat worker.pid)"');
    await waitForHealth(/^gone$/u);
    await rm(folder, { recursive: true, force: true });
  }
});
