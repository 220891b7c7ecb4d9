import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { OutboxStore } from '@taleback/outbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importResults } from '../src/import-results.node.ts';
import type { KeepableJob } from '../src/index.ts';

let folder: string;
let store: OutboxStore;
const logged: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-results-'));
  store = new OutboxStore(folder, () => {});
  logged.length = 0;
});
afterEach(async () => {
  store.database.close();
  await rm(folder, { recursive: true, force: true });
});

const taken = (key: string) => ({
  key,
  workerId: 'pod7',
  takenAtMs: 1,
  runs: 1,
  job: { id: `job-of-${key}`, input: { text: 'é' }, webhook: 'http://x/' },
});
const result = (key: string) => ({
  key,
  jobId: `job-of-${key}`,
  url: 'http://x/',
  body: '{"output":"é"}',
  keptAtMs: 2,
});
/** No process has it. */
const DEAD = { pid: 2 ** 22 + 1, host: hostname() };

/** The folder of a worker of version 0.1. */
const leave = async (owner: unknown, files: Readonly<Record<string, string>>): Promise<string> => {
  const name = `worker-${Math.random().toString(36).slice(2)}`;
  await mkdir(join(folder, name));
  const all = owner === undefined ? files : { ...files, 'owner.json': JSON.stringify(owner) };
  for (const [file, text] of Object.entries(all)) await writeFile(join(folder, name, file), text);
  return join(folder, name);
};
const run = (keepable?: KeepableJob): Promise<void> =>
  importResults(
    folder,
    store,
    (severity, message) => void logged.push(`${severity}: ${message}`),
    5,
    keepable,
  );
const results = async (): Promise<unknown[]> => {
  const found: unknown[] = [];
  for (const { id } of store.names(0)) {
    const content = await store.read(id);
    if (content?.ok === true) found.push(content.message);
  }
  return found;
};
const jobs = async (): Promise<unknown[]> =>
  (await store.adopt()).map(({ value }) => JSON.parse(value) as unknown);

describe('what a worker of version 0.1 left', () => {
  it('is taken over, a result in place of its job', async () => {
    const left = await leave(DEAD, {
      'job-a.json': JSON.stringify(taken('a')),
      'job-b.json': JSON.stringify(taken('b')),
      'result-a.json': JSON.stringify(result('a')),
    });
    await run();
    expect(await results()).toEqual([
      { url: 'http://x/', messageId: 'a', lane: 'job-of-a', body: '{"output":"é"}', substitute: undefined },
    ]);
    expect(await jobs()).toEqual([taken('b')]);
    await expect(readdir(left)).rejects.toThrow('ENOENT');
    await run();
    expect(await results()).toHaveLength(1);
  });

  it('is set aside where it cannot be read, and the rest is taken over', async () => {
    await leave(DEAD, {
      'result-a.json': JSON.stringify(result('a')),
      'result-b.json': '{"key":"b"',
      'result-c.json': JSON.stringify({ ...result('c'), body: 7 }),
      'result-e.json': '',
      'result-f.json.part': JSON.stringify(result('f')),
    });
    await run();
    expect(await results()).toHaveLength(1);
    expect((await readdir(join(folder, 'unreadable'))).toSorted()).toEqual([
      'result-b.json',
      'result-c.json',
      'result-e.json',
    ]);
    expect(logged).toHaveLength(3);
  });

  it('is kept as the worker keeps its jobs, and left where that fails', async () => {
    const left = await leave(DEAD, { 'job-a.json': JSON.stringify(taken('a')) });
    await run(() => Promise.reject(new Error('the store is away')));
    expect(await jobs()).toEqual([]);
    expect(await readdir(left)).toEqual(['job-a.json']);
    await run(async (job) => ({ ...job, input: 'a place' }));
    const { job, ...others } = taken('a');
    expect(await jobs()).toEqual([{ ...others, job: { ...job, input: 'a place' } }]);
  });

  it('is for its user only where it cannot be read, without the recording in it', async () => {
    const recording = 'UklG'.repeat(1_000);
    await leave(DEAD, { 'job-a.json': `{"key":"a","job":{"input":{"profile_base64":"${recording}` });
    await run();
    const path = join(folder, 'unreadable', 'job-a.json');
    expect(await readFile(path, 'utf8')).toBe('{"key":"a","job":{"input":{"profile_base64":"[removed]');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'unreadable'))).mode & 0o777).toBe(0o700);
  });

  it.each([
    ['its process is gone', DEAD, true],
    ['its owner file is gone', undefined, true],
    ['its number went to another process', { pid: process.pid, host: hostname(), started: '1' }, true],
    ['it lives', { pid: process.pid, host: hostname() }, false],
    ['its owner file was torn', 'torn', true],
  ])('is taken over or not: %s', async (_, owner, isTaken) => {
    await leave(owner, { 'result-a.json': JSON.stringify(result('a')) });
    await run();
    expect(await results()).toHaveLength(isTaken ? 1 : 0);
  });
});
