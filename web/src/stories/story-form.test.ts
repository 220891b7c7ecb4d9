import { expect, it } from 'vitest';
import { checkDraft, MAX_TEXT_CHARACTERS } from './story-form.tsx';
import SAMPLES from './samples.json' with { type: 'json' };

const draft = { title: 'A tale', text: 'Once upon a time.', language: 'en' };

it.each([
  [draft, {}],
  [{ ...draft, title: '  ' }, { title: 'Give the story a title.' }],
  [{ ...draft, text: ' \n' }, { text: 'The story has no text to read.' }],
  [
    { ...draft, text: 'a'.repeat(MAX_TEXT_CHARACTERS + 1) },
    { text: 'The story is too long to narrate in one piece.' },
  ],
  [{ ...draft, language: 'tlh' }, { language: 'We cannot narrate this language yet.' }],
])('finds what is wrong, case %#', (written, faults) => {
  expect(checkDraft(written)).toEqual(faults);
});

it('accepts a draft in any language that an engine speaks', () => {
  const german = { ...draft, text: 'Es war einmal.', language: 'de' };
  expect(checkDraft(german, ['en', 'de'])).toEqual({});
  expect(checkDraft(german)).toHaveProperty('language');
});

it('finds nothing wrong with the samples', () => {
  for (const sample of SAMPLES) expect(checkDraft({ ...sample, language: 'en' })).toEqual({});
});
