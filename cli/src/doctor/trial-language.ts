import { speaksLanguage } from '@taleback/speech/src/engines/index.ts';

/** The language of an engine's trial sentence: English where it is spoken or none is named, else the first of its own. */
export const trialLanguage = (languages: readonly string[]): string => {
  const [first = 'en'] = languages;
  return speaksLanguage(languages, 'en') ? 'en' : first;
};
