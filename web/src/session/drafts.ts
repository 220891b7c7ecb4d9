import { isRecord, parseJson } from '@taleback/core';
import { isSameWords, type StoryWords } from '../documents/story.ts';

/** Writing that is not saved yet. */
export interface Draft extends StoryWords {
  /** An edit: the words of the story when it began. */
  readonly read?: StoryWords;
  /** A new story: what was chosen for it. */
  readonly language?: string | undefined;
  readonly voice?: { readonly id: string; readonly name: string } | undefined;
}

const wordsIn = (value: unknown): StoryWords | undefined => {
  if (!isRecord(value)) return undefined;
  const { title, text } = value;
  return typeof title === 'string' && typeof text === 'string' ? { title, text } : undefined;
};

/** Reads what was stored, perhaps by another version of the page; what makes no sense is no draft. */
const parseDraft = (json: string): Draft | undefined => {
  const value = parseJson(json);
  const words = wordsIn(value);
  if (words === undefined || !isRecord(value)) return undefined;
  const { read, language, voice } = value;
  const base = wordsIn(read);
  const { id, name } = isRecord(voice) ? voice : {};
  return {
    ...words,
    ...(base === undefined ? {} : { read: base }),
    ...(typeof language === 'string' ? { language } : {}),
    ...(typeof id === 'string' && typeof name === 'string' ? { voice: { id, name } } : {}),
  };
};

/**
 * Keeps what a person writes until it is saved: in the browser's storage, or in memory where there is none.
 *
 * @param storage reading it may throw, as where a person forbids it
 */
export const createDrafts = (storage: () => Storage) => {
  const memory = new Map<string, string>();
  /** Undefined where the storage does not work or is full. */
  const using = <T>(run: (works: Storage) => T): T | undefined => {
    try {
      return run(storage());
    } catch {
      return undefined;
    }
  };
  /** The place of one draft: of a story's edit, or of a new story. */
  return (uid: string, storyId = '') => {
    const key = `taleback.draft/${uid}/${storyId}`;
    const read = (): Draft | undefined =>
      parseDraft(memory.get(key) ?? using((works) => works.getItem(key)) ?? '');
    return {
      read,
      keep: (draft: Draft): void => {
        memory.set(key, JSON.stringify(draft));
        const isStored = using((works) => works.setItem(key, JSON.stringify(draft)) ?? true) ?? false;
        if (isStored) memory.delete(key);
      },
      /** Whether the draft survives a reload. */
      isStored: () => !memory.has(key),
      /** Forgets the draft, unless it contains other words than these, as when another tab wrote them. */
      forget: (words?: StoryWords): void => {
        const draft = read();
        if (words !== undefined && draft !== undefined && !isSameWords(draft, words)) return;
        memory.delete(key);
        using((works) => works.removeItem(key));
      },
    };
  };
};
export type Drafts = ReturnType<typeof createDrafts>;
