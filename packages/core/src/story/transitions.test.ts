import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Attempts, decide } from './decide.ts';
import type { StoryMessage } from './message.ts';
import { readAttemptAudio, readStoryAudio } from './story-audio.ts';

/** The tables of docs/api.md are what the code does. */

const context = { source: 'callback', nowMs: 1_800_000_000_000, leaseMs: 60_000 } as const;
const none = {
  audioUrl: 'https://a.test/x.mp3',
  storagePath: undefined,
  durationMs: undefined,
  voiceId: undefined,
  voiceName: undefined,
  language: undefined,
  metadata: undefined,
};
const MESSAGES = ['ready', 'failed', 'progress'] as const;
const messageOf = (kind: (typeof MESSAGES)[number], jobId: string): StoryMessage => {
  if (kind === 'ready') return { kind, jobId, ...none };
  if (kind === 'progress') return { kind, jobId, stage: 's', progress: 0.5 };
  return {
    kind,
    jobId,
    error: 'e',
    details: undefined,
    code: 'unknown',
    retryable: true,
    metadata: undefined,
  };
};

const STORIES = {
  ours: { number: 2, status: 'pending', contentHash: 'h' },
  foreign: { status: 'pending' },
};
const NAMED: Readonly<Record<string, Record<string, unknown> | undefined>> = {
  "another attempt of ours with the story's content": { number: 1, status: 'pending', contentHash: 'h' },
  'another attempt of ours with other content': { number: 1, status: 'pending', contentHash: 'other' },
  'a foreign job': undefined,
  'a cancelled attempt': { number: 1, status: 'cancelled', contentHash: 'h' },
};

const countsIn = (owner: keyof typeof STORIES, jobId: string, named?: Record<string, unknown>): string => {
  const story = readStoryAudio({ audioStatus: 'pending', audioJobId: 'current', audioContentHash: 'h' });
  const attempts: Attempts = {
    current: readAttemptAudio('current', STORIES[owner]),
    named: named && readAttemptAudio(jobId, named),
  };
  const counted = MESSAGES.filter(
    (kind) => decide(story, attempts, messageOf(kind, jobId), context).kind === 'applied',
  );
  return counted.join(', ') || '-';
};

const statusAfter = (audioStatus: string | undefined, kind: (typeof MESSAGES)[number]): string => {
  const story = readStoryAudio({
    audioStatus,
    audioJobId: 'j',
    audioUrl: audioStatus === 'ready' ? 'u' : undefined,
  });
  const attempts = { current: readAttemptAudio('j', { number: 1, status: audioStatus }) };
  const { story: change } = decide(story, attempts, messageOf(kind, 'j'), context);
  return (change?.set['audioStatus'] ?? audioStatus) as string;
};

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

describe('docs/api.md', () => {
  const docs = readFileSync(new URL('../../../../docs/api.md', import.meta.url), 'utf8');

  it('says which messages count', () => {
    expect(docs).toContain(
      row(
        'its current job, or without a job id',
        countsIn('ours', 'current'),
        countsIn('foreign', 'current'),
      ),
    );
    for (const [about, named] of Object.entries(NAMED))
      expect(docs).toContain(
        row(about, countsIn('ours', 'other', named), countsIn('foreign', 'other', named)),
      );
  });

  it.each([
    ['never requested', undefined],
    ['pending', 'pending'],
    ['processing', 'processing'],
    ['failed', 'failed'],
    ['ready', 'ready'],
  ])('says what a story that was %s becomes', (words, status) => {
    expect(docs).toContain(row(words, ...MESSAGES.map((kind) => statusAfter(status, kind))));
  });
});
