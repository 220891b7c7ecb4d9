import { describe, expect, it } from 'vitest';
import {
  keysBefore,
  recordingHash,
  recordingKey,
  withoutRecordings,
  withoutRecordingText,
} from './recording.ts';

const DAY_MS = 86_400_000;
const bytes = Buffer.from('RIFF');

describe('a recording that came with a job', () => {
  it.each(['u1', '../..', '.hidden', 'история', undefined])(
    'of the user %j has a place of its own',
    (userId) => {
      const key = recordingKey({ userId, bytes, nowMs: Date.UTC(2026, 10, 30, 23) });
      expect(key).toMatch(
        /^recordings\/2026-11-30\/private\/users\/[\w%-][\w.%-]*\/[0-9a-f]{64}\.recording$/,
      );
      expect(recordingHash(key)).toMatch(/^[0-9a-f]{64}$/);
    },
  );

  it.each([
    'voices/ann.wav',
    'recordings/x',
    '../recordings/2026-11-30/private/users/u/a.recording',
    undefined,
  ])('does not lie at %j', (key) => expect(recordingHash(key)).toBeUndefined());

  it('has expired when its whole day has', () => {
    const keys = [
      'recordings/1970-01-01/private/users/u/a',
      'failed_callbacks/replayed/1970-01-02/s-1.json',
      'x',
    ];
    expect(keysBefore(keys, DAY_MS - 1)).toEqual([]);
    expect(keysBefore(keys, DAY_MS)).toEqual(keys.slice(0, 1));
    expect(keysBefore(keys, 2 * DAY_MS)).toEqual(keys.slice(0, 2));
  });
});

describe('withoutRecordings', () => {
  const kept: string[] = [];
  const keep = async (recording: Uint8Array): Promise<string> =>
    `place ${kept.push(Buffer.from(recording).toString())}`;

  it('puts places in the place of recordings', async () => {
    const base64 = bytes.toString('base64');
    const job = {
      id: 'j',
      input: {
        text: 'a',
        profile_base64: base64,
        metadata: { a: 1, profile_base64: ` data:audio/wav;base64,${base64}` },
      },
    };
    expect(await withoutRecordings(job, keep)).toEqual({
      id: 'j',
      input: { text: 'a', recording_path: 'place 1', metadata: { a: 1, recording_path: 'place 2' } },
    });
    expect(kept).toEqual(['RIFF', 'RIFF']);
  });

  it.each([[undefined], ['text'], [{ input: 'x' }], [{ input: { profile_base64: ' ', metadata: null } }]])(
    'leaves %j as it is',
    async (job) => expect(await withoutRecordings(job, keep)).toBe(job),
  );

  it('fails when a recording cannot be kept', async () => {
    const job = { input: { profile_base64: 'UklGRg==' } };
    await expect(withoutRecordings(job, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  });
});

describe('withoutRecordingText', () => {
  it.each([
    ['{"a":1,"profile_base64":"AAAA","b":2}', '{"a":1,"profile_base64":"","b":2}'],
    ['{"profile_base64" : "AA', '{"profile_base64" : ""'],
    ['{"text":"profile_base64"}', '{"text":"profile_base64"}'],
  ])('%s', (text, expected) => expect(withoutRecordingText(text)).toBe(expected));
});
