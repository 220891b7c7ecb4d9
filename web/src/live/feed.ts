import type { Attempt } from '../documents/attempt.ts';
import type { Engine } from '../documents/engine.ts';
import type { Story, StoryDraft, StoryWords } from '../documents/story.ts';
import type { AskAnswer, DeletionAnswer } from './ask.ts';

/** The port between the page and its server: what is watched, and what is asked for. */
export interface Feed {
  /** Reports who is signed in, once that is known, whenever it changes, and with every new token. */
  readonly watchReader: (report: (reader: Reader | undefined) => void) => Unsubscribe;
  /** The reader's own stories, newest first. */
  readonly watchStories: (uid: string) => Watch<readonly Story[]>;
  readonly watchStory: (storyId: string) => Watch<Found<Story>>;
  /** Newest first. */
  readonly watchAttempts: (storyId: string) => Watch<readonly Attempt[]>;
  /** Every engine that a worker reported, with the voices for everyone and the reader's own. */
  readonly watchEngines: (uid: string) => Watch<readonly Engine[]>;

  readonly signInAsGuest: () => Promise<SignInAnswer>;
  /** Signs in with a token that a server of ours minted; meant for emulators. */
  readonly signInWithToken: (token: string) => Promise<SignInAnswer>;
  readonly signOut: () => Promise<void>;

  readonly createStory: (draft: StoryDraft) => Promise<SaveAnswer>;
  /** Saves an edit unless the story contains other words by now than those that were read at its start. */
  readonly editStory: (storyId: string, words: StoryWords, read: StoryWords) => Promise<SaveAnswer>;
  readonly requestAudio: (ask: AudioAsk) => Promise<AskAnswer>;
  readonly retryAudio: (ask: AudioAsk) => Promise<AskAnswer>;
  /** Asks for another address of a narration that does not load; whether the story is getting one. */
  readonly renewAudio: (storyId: string) => Promise<boolean>;
  /** Deletes a story with everything that belongs to it. */
  readonly deleteStory: (storyId: string) => Promise<DeletionAnswer>;
  /** Deletes everything of the reader. */
  readonly deleteMyData: () => Promise<DeletionAnswer>;
}

export type Unsubscribe = () => void;

export interface Reader {
  readonly uid: string;
  /** True for an anonymous account, which only this browser can come back to. */
  readonly isGuest: boolean;
  readonly name: string | undefined;
}

/** Starts watching. A watch that ended with `fail` reports nothing more and may be started again. */
export type Watch<T> = (listener: Listener<T>) => Unsubscribe;

export interface Listener<T> {
  readonly next: (snapshot: Snapshot<T>) => void;
  readonly fail: (fault: 'denied' | 'broken') => void;
}

/** From the cache, `value` is undefined where the cache knows nothing. */
export type Snapshot<T> =
  | { readonly from: 'server'; readonly value: T }
  | { readonly from: 'cache'; readonly value: T | undefined };

/** A document that was looked for; undefined when there is none. */
export interface Found<T> {
  readonly document: T | undefined;
}

export interface AudioAsk {
  readonly storyId: string;
  /** Only when a person chose another voice than the story's. */
  readonly voiceId: string | undefined;
}

export type SignInAnswer =
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'unreached' }
  | { readonly kind: 'refused'; readonly words: string };

/**
 * How saving a story ends.
 *
 * - `conflict`: the story was changed meanwhile and nothing was saved; `saved` is what it contains now
 * - `unreached`: the server did not answer; saving again is safe
 */
export type SaveAnswer =
  | { readonly kind: 'saved'; readonly storyId: string }
  | { readonly kind: 'conflict'; readonly saved: StoryWords }
  | { readonly kind: 'unreached' }
  | { readonly kind: 'refused'; readonly words: string };
