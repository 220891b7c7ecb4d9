import { describe, expect, it } from 'vitest';
import { trialLanguage } from './open-engines.ts';

describe('trialLanguage', () => {
  it.each([
    [['de'], 'de'],
    [['de-AT', 'fr'], 'de-AT'],
    [['de', 'en-GB'], 'en'],
    [['en'], 'en'],
    [[], 'en'],
  ])('an engine that speaks %j is tried in %s', (languages, language) => {
    expect(trialLanguage(languages)).toBe(language);
  });
});
