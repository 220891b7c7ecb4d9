import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { openAudioServer } from './storage/folder.node.ts';
import { requireListening, requirePlaces } from './required-places.node.ts';
import { errorSentence, startExitCode } from './start-fault.ts';

const folder = mkdtempSync(join(tmpdir(), 'taleback-places-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'file');
writeFileSync(file, '');
const closed = join(folder, 'closed');
mkdirSync(closed, { mode: 0o500 });
chmodSync(closed, 0o500);
const isRoot = process.getuid?.() === 0;

const tried = (environment: Readonly<Record<string, string>>): unknown => {
  const places = ['AUDIO_FOLDER', 'OUTBOX_FOLDER', 'SPEECH_CACHE_FOLDER', 'RUNPOD_OUTBOX_FOLDER'];
  const good = Object.fromEntries(places.map((name) => [name, join(folder, 'made', name)]));
  try {
    return requirePlaces(parseConfig({ ...good, CONTROL_FILE: join(folder, 'none'), ...environment }));
  } catch (error) {
    return error;
  }
};

describe('requirePlaces', () => {
  it('makes the folders, and leaves nothing in them', () => {
    expect(tried({ JOB_SOURCE: 'runpod' })).toBeUndefined();
    expect(readdirSync(join(folder, 'made')).toSorted()).toEqual([
      'AUDIO_FOLDER',
      'OUTBOX_FOLDER',
      'RUNPOD_OUTBOX_FOLDER',
      'SPEECH_CACHE_FOLDER',
    ]);
    expect(readdirSync(join(folder, 'made', 'AUDIO_FOLDER'))).toEqual([]);
  });

  it.each(['AUDIO_FOLDER', 'OUTBOX_FOLDER', 'SPEECH_CACHE_FOLDER', 'RUNPOD_OUTBOX_FOLDER'])(
    'says in one sentence that %s is no folder, and never waits',
    (name) => {
      const places = [
        file,
        join(file, 'x'),
        '/proc/nowhere',
        '/proc/nowhere/a',
        '/proc',
        `${folder}/${'x'.repeat(300)}`,
      ];
      for (const place of [...places, ...(isRoot ? [] : [closed, join(closed, 'x')])]) {
        const error = tried({ JOB_SOURCE: 'runpod', [name]: place });
        expect(errorSentence(error)).toMatch(new RegExp(`^configuration: ${name}: E[A-Z]+: `, 'u'));
        expect(startExitCode(error)).toBe(2);
      }
    },
  );

  it('leaves alone what is not used', () => {
    const unused = {
      JOB_SOURCE: 'pubsub',
      RUNPOD_OUTBOX_FOLDER: file,
      SPEECH_CACHE: 'off',
      SPEECH_CACHE_FOLDER: file,
    };
    expect(tried(unused)).toBeUndefined();
    expect(tried({ AUDIO_STORE: 'gcs', GCS_BUCKET: 'bucket', AUDIO_FOLDER: file })).toBeUndefined();
  });

  it.each([
    ['PYTHON', '/nowhere/python', 'espeak-ng'],
    ['PYTHON_FOLDER', file, 'flite,coqui-python'],
    ['PYTHON_FOLDER', folder, 'python:my_engine:Hum'],
  ])('says in one sentence that %s is not what hosts an engine', (name, place, ENGINES) => {
    const error = tried({ ENGINES, [name]: place });
    expect(errorSentence(error)).toMatch(new RegExp(`^configuration: ${name}: E[A-Z]+: `, 'u'));
    expect(startExitCode(error)).toBe(2);
    expect(tried({ ENGINES: 'flite', [name]: place })).toBeUndefined();
  });

  it('wants a control file that can be read, or none', () => {
    expect(errorSentence(tried({ CONTROL_FILE: folder }))).toBe(
      'configuration: CONTROL_FILE: not a regular file',
    );
    expect(tried({ CONTROL_FILE: join(folder, 'missing', 'control.env') })).toBeUndefined();
    expect(existsSync(join(folder, 'missing'))).toBe(false);
  });
});

const listen = (host: string, port: number) =>
  requireListening('AUDIO_HOST, AUDIO_PORT', openAudioServer({ folder, host, port }));
const faultOf = (opening: Promise<unknown>): Promise<unknown> => opening.catch((error: unknown) => error);

describe('requireListening', () => {
  it('names the variables of an address that is not of this machine', async () => {
    const error = await faultOf(listen('192.0.2.1', 0));
    expect(errorSentence(error)).toMatch(/^configuration: AUDIO_HOST, AUDIO_PORT: listen EADDRNOTAVAIL/);
    expect(startExitCode(error)).toBe(2);
  });

  it('ends with 1 where another process may leave the port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const error = await faultOf(listen('127.0.0.1', (server.address() as { port: number }).port));
    expect(errorSentence(error)).toMatch(/^AUDIO_HOST, AUDIO_PORT: listen EADDRINUSE/);
    expect(startExitCode(error)).toBe(1);
    server.close();
  });
});
