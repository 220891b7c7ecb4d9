import { checkStory, DEFAULT_STORY_LIMITS, describeError } from '@taleback/core';

/** Longer titles are cut off everywhere they are shown. */
export const MAX_TITLE_CHARACTERS = 200;
export const MAX_TEXT_CHARACTERS = DEFAULT_STORY_LIMITS.maxCharacters;
export const LANGUAGES = DEFAULT_STORY_LIMITS.languages;

/** What is wrong with a draft, by field; empty when it can be saved. */
export interface DraftFaults {
  readonly title?: string;
  readonly text?: string;
  readonly language?: string;
}

/**
 * Checks what a person wrote by the same rules as the narrator, so that they hear of it before they ask.
 *
 * @param languages codes without region that somebody speaks
 */
export const checkDraft = (
  draft: { title: string; text: string; language: string },
  languages: readonly string[] = LANGUAGES,
): DraftFaults => {
  const title = draft.title.trim() === '' ? { title: 'Give the story a title.' } : {};
  const check = checkStory(draft, { ...DEFAULT_STORY_LIMITS, languages });
  return check.ok ? title : { ...title, [check.field]: describeError(check.code).sentence };
};
