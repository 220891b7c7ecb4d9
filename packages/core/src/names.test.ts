import { describe, expect, it } from 'vitest';
import { createNames } from './names.ts';

const valuesOf = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Object.values(value as object).flatMap(valuesOf);

describe('createNames', () => {
  it('keeps the names of deployments without an instance', () => {
    expect(createNames()).toEqual({
      instance: '',
      region: 'us-central1',
      ownerField: 'userId',
      collections: {
        stories: 'stories',
        attempts: 'audioAttempts',
        workers: 'ttsWorkers',
        voices: 'ttsVoices',
        owedEvents: 'ttsOwedEvents',
        replays: 'ttsReplays',
        usage: 'ttsUsage',
        deletions: 'ttsDeletions',
        runpodTurns: 'ttsRunpodTurns',
      },
      documents: { sweepRound: 'ttsSweeps/round', voiceMenu: 'ttsVoices/menu' },
      topics: { jobs: 'tts-jobs', deadLetters: 'tts-jobs-dead-letter', events: 'tts-events' },
      subscriptions: { jobs: 'tts-jobs-worker' },
      functions: {
        receiver: 'tts',
        request: 'requestStoryAudio',
        retry: 'retryStoryAudio',
        renew: 'renewStoryAudio',
        deleteStory: 'deleteStory',
        deleteMyData: 'deleteMyData',
        sweep: 'sweepStories',
      },
    });
  });

  it('gives two instances no name in common', () => {
    const { region: _, ownerField: __, ...acme } = createNames({ instance: 'acme' });
    const others = new Set(valuesOf(createNames()));
    expect(valuesOf(acme).filter((name) => others.has(name))).toEqual([]);
    expect(acme.topics.jobs).toBe('tts-jobs-acme');
  });

  it('takes a region and an owner field', () => {
    expect(createNames({ region: 'europe-west1', ownerField: 'uid' })).toMatchObject({
      region: 'europe-west1',
      ownerField: 'uid',
    });
  });

  it.each([
    { instance: 'Acme' },
    { instance: 'a-b' },
    { instance: 'a'.repeat(21) },
    { region: 'mars' },
    { ownerField: 'a.b' },
    { ownerField: '' },
  ])('refuses %j', (options) => {
    expect(() => createNames(options)).toThrow(RangeError);
  });
});
