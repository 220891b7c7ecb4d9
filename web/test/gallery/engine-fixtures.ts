import { type Engine, readEngine } from '../../src/documents/engine.ts';
import type { Fields } from '../../src/documents/fields.ts';
import { type Fixture, failed, open } from './fixture.ts';
import { asked, FIXTURE_NOW_MS, MINUTE_MS } from './fixture-documents.ts';

const engine = (name: string, fields: Fields): Engine =>
  readEngine(name, { name, state: 'ready', expiresAt: FIXTURE_NOW_MS + 4 * MINUTE_MS, ...fields });

const FLITE = engine('flite', {
  languages: ['en'],
  voices: [
    { id: 'slt', name: 'Clara', languages: ['en-US'], accent: 'American' },
    { id: 'rms', name: 'Robert', languages: ['en-US'], accent: 'American' },
    { id: 'awb', name: 'Alasdair', languages: ['en-GB'], accent: 'Scottish' },
  ],
});

const KOKORO_FIELDS: Fields = {
  languages: ['en', 'fr', 'ja'],
  voices: [
    { id: 'af_heart', name: 'Heart', languages: ['en-US'], remark: 'warm' },
    { id: 'bm_george', name: 'George', languages: ['en-GB'], accent: 'British' },
    { id: 'ff_siwis', name: 'Siwis', languages: ['fr-FR'] },
    { id: 'jf_alpha', name: 'Alpha', languages: ['ja-JP'] },
  ],
};
const KOKORO = engine('kokoro', KOKORO_FIELDS);
const KOKORO_AWAY = engine('kokoro', { ...KOKORO_FIELDS, state: 'unavailable', reason: 'ECONNREFUSED' });
const FLITE_AWAY: Engine = { ...FLITE, state: 'unavailable' };
const EXPIRED: Engine = { ...KOKORO, expiresAtMs: FIXTURE_NOW_MS - MINUTE_MS };

const told = (...engines: readonly Engine[]): Pick<Fixture, 'engines'> => ({
  engines: [{ from: 'server', value: engines }],
});

/** States in which the page knows which narrators are there. */
export const ENGINE_FIXTURES: readonly Fixture[] = [
  open(
    'voices-of-engines',
    {},
    { ...told(FLITE, KOKORO), status: 'none', words: ['Heart, warm', 'Alasdair, Scottish'] },
  ),
  open(
    'voices-partly-away',
    { voiceId: 'af_heart', voiceName: 'Heart' },
    {
      ...told(FLITE, KOKORO_AWAY),
      status: 'none',
      words: ['Heart, warm (not available now)', 'Clara, American'],
    },
  ),
  open('new-story-engines', asked({ audioStatus: 'ready' }), {
    ...told(FLITE, KOKORO_AWAY),
    fragment: '#new',
    words: ['English', 'French (not available now)', 'Heart, warm (not available now)'],
  }),
  open(
    'narrators-away',
    {},
    {
      ...told(FLITE_AWAY, KOKORO_AWAY),
      status: 'none',
      words: ['narrators for this language are away', 'You can ask anyway', 'Narrate this story'],
    },
  ),
  open('failed-narrators-away', failed('provider_unavailable', { language: 'fr' }), {
    ...told(FLITE, KOKORO_AWAY),
    status: 'failed',
    words: ['narrators for this language are away', 'Try again'],
  }),
  open('failed-voice-engines', failed('voice_not_found', { language: 'fr', voiceId: 'bm_george' }), {
    ...told(FLITE, KOKORO),
    status: 'failed',
    words: ['The last voice was George', 'Siwis'],
  }),
  open(
    'engines-expired',
    {},
    {
      ...told(EXPIRED),
      status: 'none',
      words: [
        'narrators for this language are away',
        'Heart, warm (not available now)',
        'Clara (not known now)',
      ],
    },
  ),
  open('new-story-expired', asked({ audioStatus: 'ready' }), {
    ...told(FLITE, EXPIRED),
    fragment: '#new',
    words: ['French (not available now)', 'Clara, American', 'Heart, warm (not available now)'],
  }),
  open(
    'voice-not-known',
    { voiceId: 'old-nora', voiceName: 'Nora' },
    {
      ...told(FLITE, KOKORO),
      status: 'none',
      words: ['Nora (not known now)', 'No narrator is known to have this voice', 'Clara, American'],
    },
  ),
  open('engines-denied', {}, { engines: ['denied'], status: 'none', words: ['Kal, robotic'] }),
];
