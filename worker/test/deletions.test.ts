import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DeleteCommand } from '@taleback/core';
import { audioKey, recordingKey, recordKey } from '@taleback/core/storage';
import { formatDeadLetter } from '@taleback/outbox';
import { beforeEach, describe, expect, it } from 'vitest';
import { openDeletions } from '../src/heartbeat/deletions.node.ts';

const NOW_MS = Date.now();
const DAY_MS = 86_400_000;

let folder: string;
let ownedBy: string[];
let cacheFault: Error | undefined;
let logged: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-deletions-'));
  [ownedBy, logged, cacheFault] = [[], [], undefined];
  return () => rm(folder, { recursive: true, force: true });
});

const write = async (
  key: string,
  { in: place = 'audio', ageMs = 0, text = 'sound' } = {},
): Promise<string> => {
  const path = join(folder, place, key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await utimes(path, new Date(NOW_MS - ageMs), new Date(NOW_MS - ageMs));
  return `${place}/${key}`;
};
const filesOf = async (): Promise<string[]> => {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .toSorted();
};

const open = (audio = 'audio') =>
  openDeletions(
    {
      storage: { kind: 'folder', folder: join(folder, audio), baseUrl: undefined },
      privateStorage: { kind: 'private-folder', folder: join(folder, 'private') },
      cache: { isOn: true, folder: join(folder, 'cache'), limits: { maxBytes: 1, maxAgeMs: 1 } },
      callbacks: { outbox: { folder: join(folder, 'outbox') } } as Parameters<
        typeof openDeletions
      >[0]['callbacks'],
    },
    {
      removeOf: async (storyId) => {
        if (cacheFault !== undefined) throw cacheFault;
        ownedBy.push(storyId);
      },
      nowMs: NOW_MS,
      log: (severity, message) => void logged.push(`${severity}: ${message}`),
    },
  );

const command = (fields: Partial<DeleteCommand>): DeleteCommand => ({
  kind: 'delete',
  cursor: '7:ab',
  user_id: 'u1',
  story_id: 's1',
  jobs: ['j1', 'rp1'],
  places: [],
  recording: undefined,
  requested_at: NOW_MS,
  ...fields,
});
const answer = (...commands: object[]): string => JSON.stringify({ success: true, commands });
/** Applies an answer to its end. @returns the place afterwards */
const apply = async (text: string): Promise<string> => {
  const deletions = open();
  await deletions.receive(text);
  return deletions.after();
};
const audioOf = (userId: string | undefined, storyId: string, version: string) =>
  audioKey({ userId, storyId, language: 'en', version });

const letterOf = (userId: string): string => {
  const message = { url: 'https://a.example', messageId: 'm', body: JSON.stringify({ user_id: userId }) };
  const delivery = { kind: 'undeliverable', attempts: 1, cause: 'away' } as const;
  const letter = { message, createdMs: 0, why: 'expired', delivery, attempts: 1, atMs: 0 } as const;
  return Buffer.from(formatDeadLetter(letter)).toString();
};
const record = (storyId: string) => recordKey('failed_callbacks', storyId, 1);
const recording = (userId: string) => recordingKey({ userId, bytes: Buffer.from('R'), nowMs: 0 });

describe('the deletion of a story', () => {
  it('removes its audio, records, recording and sounds from the folders of a worker, and nothing else', async () => {
    const stays = await Promise.all([
      write(audioOf('u1', 's1', 'j2')),
      write(audioOf('u1', 's2', 'j1')),
      write(audioOf('u2', 's1', 'j1')),
      write('tales/other.mp3'),
      write(recordKey('failed_callbacks', 's1-2', 1), { in: 'private' }),
      write(recording('u2'), { in: 'private' }),
    ]);
    for (const key of [audioOf('u1', 's1', 'j1'), audioOf('u1', 's1', 'rp1'), audioOf(undefined, 's1', 'j1')])
      for (const ending of ['', '.json']) await write(`${key}${ending}`);
    for (const place of ['audio', 'private'])
      await write(recordKey('failed_callbacks', 's1', 1), { in: place });
    await write('tales/tide.mp3');
    await write('tales/tide.mp3.json');
    await write(recording('u1'), { in: 'private' });
    const hash = /[0-9a-f]{64}/.exec(recording('u1'))?.[0];
    const places = ['tales/tide.mp3', '../outside.mp3', 'failed_callbacks/x.mp3'];
    expect(await apply(answer(command({ places, recording: hash })))).toBe('7:ab');
    expect(await filesOf()).toEqual(stays.toSorted());
    expect(ownedBy).toEqual(['s1']);
    expect(open().after()).toBe('7:ab');
  });

  it('is repeated until it is done, in order, also by the next process', async () => {
    const key = await write(audioOf('u1', 's1', 'j1'));
    cacheFault = new Error('database is locked');
    const both = answer(command({ cursor: '7:ab' }), command({ cursor: '8:cd', story_id: 's2' }));
    expect(await apply(both)).toBe('0:');
    expect(logged).toEqual(['error: a deletion could not be applied; it is tried again']);
    await write(key.slice('audio/'.length));
    cacheFault = undefined;
    const stopping = open();
    const applied = stopping.receive(both);
    await stopping.close();
    await applied;
    // It finishes the deletion that is under way, and begins no other.
    expect(stopping.after()).toBe('7:ab');
    expect(await apply(answer(command({ cursor: '8:cd', story_id: 's2' })))).toBe('8:cd');
    expect(await filesOf()).toEqual([]);
    expect(ownedBy).toEqual(['s1', 's2']);
  });

  it.each([
    ['is no JSON', '<html>'],
    ['is cut', answer(command({})).slice(0, -9)],
    ['has a deletion of a wrong shape', answer({ ...command({}), jobs: 'all' })],
  ])('is not applied from an answer that %s', async (_what, text) => {
    await write(audioOf('u1', 's1', 'j1'));
    expect(await apply(text)).toBe('0:');
    expect(await filesOf()).toHaveLength(1);
  });

  it('is no hindrance for commands of a newer receiver', async () => {
    expect(await apply(answer({ kind: 'restart' }, command({})))).toBe('7:ab');
  });
});

describe('the deletion of a user', () => {
  it('removes what is older than it, and nothing of another', async () => {
    const [old, young] = [{ ageMs: DAY_MS }, { ageMs: 60_000 }];
    const hidden = { in: 'private' } as const;
    const stays = await Promise.all([
      write(audioOf('u1', 's9', 'j9'), young),
      write(audioOf('u2', 's1', 'j1'), old),
      write(record('s2'), { ...hidden, ...old, text: letterOf('u2') }),
      write(record('s3'), { ...hidden, ...old, text: 'torn' }),
      write(recording('u2'), { ...hidden, ...old }),
    ]);
    await write(audioOf('u1', 's1', 'j1'), old);
    await write('private/users/u1/tide.mp3', old);
    await write('private/users/u1/voices/ann.wav', { ...hidden, ...old });
    await write(record('s1'), { ...hidden, ...old, text: letterOf('u1') });
    await write(recording('u1'), { ...hidden, ...old });
    expect(await apply(answer(command({ story_id: undefined })))).toBe('7:ab');
    expect(await filesOf()).toEqual(stays.toSorted());
    expect(ownedBy).toEqual([]);
  });
});

describe('the place in the list of deletions', () => {
  it('is a day back for a worker without any files, and at the beginning for one that has some', async () => {
    expect(Number.parseInt(open().after(), 10)).toBe(NOW_MS - 26 * 3_600_000);
    await write('a.mp3');
    expect(open().after()).toBe('0:');
  });

  it('is the beginning again when its file is torn', async () => {
    await write('a.mp3');
    expect(await apply(answer(command({})))).toBe('7:ab');
    const [name = ''] = await readdir(join(folder, 'outbox'));
    await writeFile(join(folder, 'outbox', name), '');
    expect(open().after()).toBe('0:');
  });

  it('is another one for other folders', async () => {
    await write('a.mp3', { in: 'elsewhere' });
    await write('a.mp3');
    expect(await apply(answer(command({})))).toBe('7:ab');
    expect(open('elsewhere').after()).toBe('0:');
  });
});
