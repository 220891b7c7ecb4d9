import type { SpeechProfile, Voice } from '../engine.ts';

const voice = (id: string, name: string, ...languages: string[]): Voice => ({
  id,
  name,
  languages,
  remark: 'quick, plainly a machine',
});

/** Some of its hundred voices; the Python child takes any that `espeak-ng --voices` lists. */
const VOICES: readonly Voice[] = [
  voice('en-us', 'English (America)', 'en-US', 'en'),
  voice('en-gb', 'English (Great Britain)', 'en-GB', 'en'),
  voice('de', 'German', 'de'),
  voice('es', 'Spanish', 'es'),
  voice('fr-fr', 'French', 'fr'),
  voice('it', 'Italian', 'it'),
  voice('nl', 'Dutch', 'nl'),
  voice('pl', 'Polish', 'pl'),
  voice('pt', 'Portuguese', 'pt'),
  voice('sv', 'Swedish', 'sv'),
];

/** What is known of espeak-ng without running it. */
export const ESPEAK_PROFILE: SpeechProfile = {
  name: 'espeak-ng',
  languages: ['en', 'de', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'sv'],
  voices: () => VOICES,
  prepareText: (text) => text.normalize('NFC').replace(/\r\n?/gu, '\n').trim(),
};
