import { describeError } from '../errors/catalogue.ts';
import { describe, expect, it } from 'vitest';
import { parseErrorCallback, parseProgress } from './parse.ts';

describe('parseErrorCallback', () => {
  it('reads the documented payload', () => {
    const body = {
      story_id: 'story123',
      error: 'Voice profile not found',
      error_details: 'The voice profile file was not found in storage',
      user_id: 'user456',
      voice_id: 'voice789',
      job_id: 'job_abc123',
      metadata: {
        language: 'en',
        story_type: 'user',
        text_length: 1500,
        error_type: 'voice_profile_missing',
      },
    };
    expect(parseErrorCallback(body)).toEqual({
      ok: true,
      value: {
        storyId: 'story123',
        error: 'Voice profile not found',
        errorDetails: 'The voice profile file was not found in storage',
        userId: 'user456',
        voiceId: 'voice789',
        jobId: 'job_abc123',
        metadata: body.metadata,
      },
    });
  });

  it('reads the body of the documented curl line, which has neither job nor metadata', () => {
    const body = { story_id: 'test_story_123', error: 'Voice profile not found', user_id: 'test_user_456' };
    expect(parseErrorCallback(body)).toMatchObject({
      ok: true,
      value: { storyId: 'test_story_123', userId: 'test_user_456' },
    });
  });

  it("keeps the sender's words, mending only broken Unicode", () => {
    const result = parseErrorCallback({ story_id: 's', error: '  Bad: \ud83d 😀\n', error_details: ' ' });
    expect(result).toMatchObject({
      ok: true,
      value: { error: '  Bad: \ufffd 😀\n', errorDetails: undefined },
    });
  });

  it.each(['', '  \n', null])('takes the words of a blank error (%j) from the next best field', (error) => {
    const wordsOf = (more: object): unknown => {
      const result = parseErrorCallback({ story_id: 's', error, ...more });
      return result.ok && result.value.error;
    };
    const metadata = { error_type: 'AssertionError' };
    expect(wordsOf({ error_details: 'Unexpected error', metadata })).toBe('Unexpected error');
    expect(wordsOf({ error_details: ' ', metadata })).toBe('AssertionError');
    for (const error_type of [null, '', ' ', 7, undefined])
      expect(wordsOf({ error_details: null, metadata: { error_type } })).toBe(
        describeError('unknown').sentence,
      );
    expect(wordsOf({})).toBe(describeError('unknown').sentence);
  });

  it('names the first field that is wrong', () => {
    expect(parseErrorCallback({ story_id: 'a/b', error: 1 })).toMatchObject({ field: 'story_id' });
  });
});

describe('parseProgress', () => {
  const body = { story_id: 's', job_id: 'j', stage: 'encoding' };

  it.each([0, 0.25, 1])('accepts progress %d', (progress) => {
    expect(parseProgress({ ...body, progress })).toEqual({
      ok: true,
      value: { storyId: 's', jobId: 'j', stage: 'encoding', progress },
    });
  });

  it.each([-0.01, 1.01, 100])('refuses progress %d, which is no share', (progress) => {
    expect(parseProgress({ ...body, progress })).toEqual({
      ok: false,
      field: 'progress',
      sentence: 'progress: must be between 0 and 1',
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '0.5'])(
    'refuses progress %j, which is no number',
    (progress) => {
      expect(parseProgress({ ...body, progress })).toMatchObject({ ok: false, field: 'progress' });
    },
  );

  it('bounds the stage', () => {
    expect(parseProgress({ ...body, stage: 'x'.repeat(100) }).ok).toBe(true);
    expect(parseProgress({ ...body, stage: 'x'.repeat(101) })).toMatchObject({ ok: false, field: 'stage' });
    expect(parseProgress({ ...body, stage: 'a\udc00' })).toMatchObject({
      ok: true,
      value: { stage: 'a\ufffd' },
    });
  });
});
