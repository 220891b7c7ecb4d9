import { inOrder } from '../../src/documents/attempt.ts';
import { ENGINE_FIXTURES } from './engine-fixtures.ts';
import { base, type Fixture, failed, open } from './fixture.ts';
import { WRITING_FIXTURES } from './writing-fixtures.ts';
import {
  asked,
  BARE_ATTEMPT,
  FIRST_ATTEMPT,
  FIXTURE_NOW_MS,
  MINUTE_MS,
  running,
  story,
} from './fixture-documents.ts';

/** Every state of the page. `audioUrl` is a narration that the place where they are shown can play. */
export const createFixtures = (audioUrl: string): readonly Fixture[] => {
  const lease = { audioLeaseExpiresAt: FIXTURE_NOW_MS + 5 * MINUTE_MS };
  const audio = { audioUrl, audioDurationMs: 27_400 };
  const ready = asked({ audioStatus: 'ready', ...audio });
  const processing = asked({ audioStatus: 'processing', audioProgress: 0.42, ...lease });
  const document = story(processing);
  const fixtures: readonly Fixture[] = [
    {
      ...base,
      name: 'opening',
      fragment: '',
      reader: 'unknown',
      connection: 'connecting',
      words: ['Opening'],
    },
    {
      ...base,
      name: 'welcome',
      fragment: '',
      reader: undefined,
      connection: undefined,
      words: ['as a guest'],
    },
    {
      ...base,
      name: 'no-stories',
      fragment: '',
      stories: [{ from: 'server', value: [] }],
      words: ['No stories yet', 'Write a first story'],
    },
    {
      ...base,
      name: 'list-connecting',
      fragment: '',
      connection: 'connecting',
      words: ['Fetching your stories'],
    },
    {
      ...base,
      name: 'list-denied',
      fragment: '',
      stories: ['denied'],
      connection: 'denied',
      words: ['not open'],
    },
    open('list', ready, { fragment: '', words: ['Choose a story', 'The Crow and the Pitcher'] }),
    open('new-story', ready, { fragment: '#new', words: ['Begin with a fable', 'Save the story'] }),
    { ...base, name: 'story-connecting', connection: 'connecting', words: ['Opening the story'] },
    { ...base, name: 'story-denied', story: ['denied'], connection: 'denied', words: ['not open to you'] },
    {
      ...base,
      name: 'story-missing',
      story: [{ from: 'server', value: { document: undefined } }],
      words: ['no such story'],
    },
    open('none', {}, { status: 'none', words: ['Nobody has asked'] }),
    open('asking', {}, { status: 'none', answer: 'none yet', words: ['Asking the narrator'] }),
    open(
      'ask-refused',
      { text: '1' },
      {
        status: 'none',
        answer: { kind: 'refused', code: 'text_too_short', words: 'text: too short' },
        words: ['too short to narrate'],
      },
    ),
    open(
      'ask-unreached',
      {},
      {
        status: 'none',
        answer: { kind: 'unreached', words: 'internal' },
        words: ['did not get through'],
      },
    ),
    open('pending', asked({ audioStatus: 'pending', ...lease }), {
      status: 'pending',
      attempts: [running({ status: 'pending' }), FIRST_ATTEMPT],
      words: ['waiting for the narrator'],
    }),
    open('pending-without-lease', asked({ audioStatus: 'pending' }), {
      status: 'pending',
      words: ['waiting for the narrator', 'Try again'],
    }),
    open('processing', processing, {
      status: 'processing',
      attempts: [running({ status: 'processing', stage: 'synthesizing' }), FIRST_ATTEMPT],
      words: ['Synthesizing', '42%'],
    }),
    open('processing-without-progress', asked({ audioStatus: 'processing', ...lease }), {
      status: 'processing',
      words: ['Working'],
    }),
    open(
      'regenerating',
      { ...processing, ...audio },
      {
        status: 'processing',
        words: ['Previous narration', 'Download'],
      },
    ),
    open('silent', asked({ audioStatus: 'processing', audioLeaseExpiresAt: FIXTURE_NOW_MS - MINUTE_MS }), {
      status: 'silent',
      words: ['no word from the narrator', 'Try again'],
    }),
    open('ready', ready, {
      status: 'ready',
      attempts: [
        running({
          status: 'ready',
          endedAt: FIXTURE_NOW_MS - MINUTE_MS + 3100,
          durationMs: 27_400,
          engine: 'flite',
          transitions: {
            pending: { source: 'person', at: FIXTURE_NOW_MS - MINUTE_MS },
            processing: { source: 'callback', at: FIXTURE_NOW_MS - MINUTE_MS + 900 },
            ready: { source: 'callback', at: FIXTURE_NOW_MS - MINUTE_MS + 3100 },
          },
        }),
        FIRST_ATTEMPT,
        BARE_ATTEMPT,
      ],
      words: ['27 s', 'Narrate again', '(callback)', 'took 3.1 s'],
    }),
    open('ready-kept-elsewhere', asked({ audioStatus: 'ready', audioStoragePath: 'tts/story-1.mp3' }), {
      status: 'ready',
      words: ['cannot be played on this page'],
    }),
    open('failed-for-now', failed('timed_out', { audioRetryAt: FIXTURE_NOW_MS + MINUTE_MS }), {
      status: 'failed',
      words: ['retried automatically after'],
    }),
    open(
      'failed',
      failed('gpu_out_of_memory', {
        audioError: 'CUDA out of memory. Tried to allocate 2.00 GiB.',
        audioErrorDetails: 'torch.cuda.OutOfMemoryError on device 0; 23.1 GiB in use',
      }),
      {
        status: 'failed',
        attempts: [
          running({
            status: 'failed',
            error: { code: 'gpu_out_of_memory' },
            endedAt: FIXTURE_NOW_MS - 40_000,
          }),
          FIRST_ATTEMPT,
        ],
        words: ['ran out of graphics memory', 'Wait a moment', 'Tried to allocate', 'Try again'],
      },
    ),
    open('failed-unknown-code', failed('not-in-the-catalogue', { audioError: 'It broke.' }), {
      status: 'failed',
      words: ['for a reason we do not know', 'It broke.'],
    }),
    open('failed-voice', failed('voice_not_found', { voiceId: 'narrator-99', voiceName: undefined }), {
      status: 'failed',
      words: ['The last voice was narrator-99', 'Alasdair, Scottish'],
    }),
    open('failed-with-previous', failed('timed_out', audio), {
      status: 'failed',
      words: ['took too long', 'Previous narration'],
    }),
    open('stale', processing, {
      story: [
        { from: 'server', value: { document } },
        { from: 'cache', value: { document } },
      ],
      connection: 'stale',
      status: 'processing',
      words: ['Contact was lost'],
    }),
    open('offline', ready, {
      isOnline: false,
      connection: 'offline',
      status: 'ready',
      words: ['There is no contact with the server'],
    }),
    {
      ...base,
      name: 'offline-unopened',
      isOnline: false,
      connection: 'offline',
      words: ['cannot be opened yet'],
    },
    ...ENGINE_FIXTURES,
    ...WRITING_FIXTURES,
  ];
  return fixtures.map((fixture) => ({ ...fixture, attempts: inOrder(fixture.attempts) }));
};
