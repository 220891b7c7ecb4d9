import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { EVENT, type Narrate, narration, wire } from '../test/handler-fixture.ts';

describe('a job with a recording', () => {
  const recording = { bytes: new Uint8Array(4), hash: 'ab' };
  const ownVoice = {
    ...EVENT,
    input: { ...EVENT.input, profile_path: 'voices/ann.wav', exaggeration: 0.9, allow_other_voice: true },
  };

  it('is spoken in its voice, in the style that was asked for', async () => {
    const asked: unknown[] = [];
    const narrate: Narrate = async (request) => {
      asked.push(request);
      return narration;
    };
    const sources: unknown[] = [];
    const { handle } = wire({
      narrate,
      readRecording: async (source) => {
        sources.push(source);
        return recording;
      },
    });
    expect(await handle(ownVoice)).toMatchObject({ status: 'success' });
    expect(sources).toEqual([{ path: 'voices/ann.wav' }]);
    expect(asked).toEqual([
      expect.objectContaining({ recording, style: { exaggeration: 0.9 }, allowsOtherVoice: true }),
    ]);
  });

  it('fails before anything is spoken when the recording is not there', async () => {
    const { handle, sent } = wire({
      narrate: () => Promise.reject(new Error('not asked')),
      readRecording: () => Promise.reject(new TalebackError('voice_profile_missing', 'It is not there.')),
    });
    expect(await handle(ownVoice)).toMatchObject({ status: 'error', error_type: 'voice_profile_missing' });
    expect(sent.map(({ route }) => route)).not.toContain('callback');
    expect(sent.at(-1)).toMatchObject({
      route: 'error-callback',
      json: { metadata: { error_type: 'voice_profile_missing' } },
    });
  });
});
