import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRunpodOutbox } from '../src/folder-outbox.node.ts';
import type { PendingResult, TakenJob } from '../src/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-outbox-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const taken = (key: string): TakenJob => ({
  key,
  workerId: 'pod7',
  takenAtMs: 1,
  runs: 1,
  job: { id: `job-of-${key}`, input: { text: 'é' }, webhook: 'http://x/' },
});
const result = (key: string): PendingResult => ({
  key,
  jobId: `job-of-${key}`,
  url: 'http://x/',
  body: '{"output":"é"}',
  keptAtMs: 2,
});
const NOTHING = { jobs: [], results: [] };
/** No process has it. */
const DEAD = { pid: 2 ** 22 + 1, host: hostname() };

/** The folder of a worker that was killed. */
const leave = async (owner: unknown, files: Readonly<Record<string, string>>): Promise<string> => {
  const name = `worker-${Math.random().toString(36).slice(2)}`;
  await mkdir(join(folder, name));
  const all = owner === undefined ? files : { ...files, 'owner.json': JSON.stringify(owner) };
  for (const [file, text] of Object.entries(all)) await writeFile(join(folder, name, file), text);
  return join(folder, name);
};

describe('openRunpodOutbox', () => {
  it('keeps a job, then its result, then nothing', async () => {
    const outbox = await openRunpodOutbox(folder);
    const [own] = await readdir(folder);
    const files = async (): Promise<string[]> => (await readdir(join(folder, own ?? ''))).toSorted();
    await outbox.keepJob(taken('a'));
    expect(await files()).toEqual(['job-a.json', 'owner.json']);
    await outbox.keepResult(result('a'));
    expect(await files()).toEqual(['owner.json', 'result-a.json']);
    await outbox.forget('a');
    await outbox.forget('never-kept');
    expect(await files()).toEqual(['owner.json']);
    await outbox.close();
    expect(await readdir(folder)).toEqual([]);
  });

  it('hands what was left over, oldest first, to one only', async () => {
    const first = await openRunpodOutbox(folder);
    await first.keepJob(taken('b'));
    await first.keepResult(result('c'));
    await first.keepResult(result('a'));
    const others = await Promise.all([openRunpodOutbox(folder), openRunpodOutbox(folder)]);
    expect(await others[0].adopt()).toEqual(NOTHING);
    await first.close();
    const found = await Promise.all(others.map((outbox) => outbox.adopt()));
    expect(found.flatMap(({ jobs }) => jobs)).toEqual([taken('b')]);
    const results = found.flatMap(({ results }) => results);
    expect(results.toSorted((one, other) => one.key.localeCompare(other.key))).toEqual([
      result('a'),
      result('c'),
    ]);
    for (const { results } of found) {
      expect(results.map(({ key }) => key)).toEqual(results.map(({ key }) => key).toSorted());
    }
    expect((await readdir(folder)).filter((name) => name.startsWith('worker-'))).toHaveLength(2);
  });

  it('prefers the result of a worker that was killed between keeping it and forgetting the job', async () => {
    await leave(DEAD, {
      'job-a.json': JSON.stringify(taken('a')),
      'result-a.json': JSON.stringify(result('a')),
    });
    const outbox = await openRunpodOutbox(folder);
    expect(await outbox.adopt()).toEqual({ jobs: [], results: [result('a')] });
    await outbox.forget('a');
    expect(await (await openRunpodOutbox(folder)).adopt()).toEqual(NOTHING);
  });

  it('sets aside what cannot be read, drops what was never finished, and takes the rest', async () => {
    const left = await leave(DEAD, {
      'result-a.json': JSON.stringify(result('a')),
      'result-b.json': '{"key":"b"',
      'result-c.json': JSON.stringify({ ...result('c'), body: 7 }),
      'job-d.json': JSON.stringify({ ...taken('d'), job: { input: {} } }),
      'result-e.json': '',
      'result-f.json.part': JSON.stringify(result('f')),
      'notes.txt': 'of a person',
    });
    const outbox = await openRunpodOutbox(folder);
    expect(await outbox.adopt()).toEqual({ jobs: [], results: [result('a')] });
    expect((await readdir(join(folder, 'unreadable'))).toSorted()).toEqual([
      'job-d.json',
      'result-b.json',
      'result-c.json',
      'result-e.json',
    ]);
    await expect(readdir(left)).rejects.toThrow('ENOENT');
  });

  it.each([
    ['its process is gone', DEAD, 0, true],
    ['its owner file is gone', undefined, 0, true],
    ['its number went to another process', { pid: process.pid, host: hostname(), started: '1' }, 0, true],
    ['it lives', { pid: process.pid, host: hostname() }, 0, false],
    ['it is of another machine that wrote lately', { pid: 1, host: 'other' }, 299_000, false],
    ['it is of another machine that was silent for long', { pid: 1, host: 'other' }, 301_000, true],
    ['its owner file was torn, lately', 'torn', 0, false],
    ['its owner file was torn, long ago', 'torn', 301_000, true],
  ])('when %s', async (_, owner, ageMs, isTaken) => {
    const left = await leave(owner, { 'result-a.json': JSON.stringify(result('a')) });
    if (owner !== undefined) {
      const touched = new Date(Date.now() - ageMs);
      await utimes(join(left, 'owner.json'), touched, touched);
    }
    const outbox = await openRunpodOutbox(folder);
    expect((await outbox.adopt()).results).toHaveLength(isTaken ? 1 : 0);
  });

  it('sets a refused result aside with the reason', async () => {
    const outbox = await openRunpodOutbox(folder);
    await outbox.keepResult(result('a'));
    await outbox.refuse(result('a'), 'answered 404');
    expect(JSON.parse(await readFile(join(folder, 'refused', 'result-a.json'), 'utf8'))).toEqual({
      ...result('a'),
      reason: 'answered 404',
    });
    await outbox.close();
    expect(await readdir(folder)).toEqual(['refused']);
  });

  it('rejects what it cannot write', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(openRunpodOutbox(join(file, 'sub'))).rejects.toThrow('ENOTDIR');
    const outbox = await openRunpodOutbox(folder);
    await rm(folder, { recursive: true });
    await expect(outbox.keepResult(result('a'))).rejects.toThrow('ENOENT');
  });
});
