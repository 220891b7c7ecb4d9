import type { Attempt } from '../src/documents/attempt.ts';
import type { Engine } from '../src/documents/engine.ts';
import type { Story, StoryDraft, StoryWords } from '../src/documents/story.ts';
import type { AskAnswer, DeletionAnswer } from '../src/live/ask.ts';
import type {
  AudioAsk,
  Feed,
  Found,
  Listener,
  Reader,
  SaveAnswer,
  SignInAnswer,
  Snapshot,
  Watch,
} from '../src/live/feed.ts';

/** What a watch receives: a snapshot, or its end. */
export type WatchEvent<T> = Snapshot<T> | 'denied' | 'broken';

/** One thing that may be watched; a late listener receives the last event. */
export class Channel<T> {
  readonly listeners = new Set<Listener<T>>();
  #last: Snapshot<T> | 'denied' | undefined;

  readonly watch: Watch<T> = (listener) => {
    this.listeners.add(listener);
    if (this.#last !== undefined) this.#pass(this.#last, listener);
    return () => this.listeners.delete(listener);
  };

  send(event: WatchEvent<T>): void {
    if (event !== 'broken') this.#last = event;
    for (const listener of this.listeners) this.#pass(event, listener);
  }

  /** A late listener receives nothing until the next event. */
  forget(): void {
    this.#last = undefined;
  }

  #pass(event: WatchEvent<T>, listener: Listener<T>): void {
    if (typeof event !== 'string') {
      listener.next(event);
      return;
    }
    this.listeners.delete(listener);
    listener.fail(event);
  }
}

/** An ask as it was made, with its name. */
export interface MadeAsk extends AudioAsk {
  readonly name: 'request' | 'retry';
}

/** A feed without a server: tests and the gallery send what the server would. */
export interface FakeFeed extends Feed {
  readonly sendReader: (reader: Reader | undefined) => void;
  readonly stories: Channel<readonly Story[]>;
  readonly story: Channel<Found<Story>>;
  readonly attempts: Channel<readonly Attempt[]>;
  readonly engines: Channel<readonly Engine[]>;
  readonly asks: MadeAsk[];
  readonly drafts: StoryDraft[];
  readonly edits: (StoryWords & { readonly storyId: string; readonly read: StoryWords })[];
  readonly signIns: string[];
  /** Stories that another address was asked for. */
  readonly renewals: string[];
  /** Stories whose deletion was asked for, and `everything`. */
  readonly deletions: string[];
  /** What the server will answer; replace them to change its mind or to keep it waiting. */
  readonly answers: {
    ask: () => Promise<AskAnswer>;
    save: () => Promise<SaveAnswer>;
    edit: () => Promise<SaveAnswer>;
    renew: () => Promise<boolean>;
    signIn: () => Promise<SignInAnswer>;
    delete: () => Promise<DeletionAnswer>;
  };
}

export const createFakeFeed = (): FakeFeed => {
  const reporters = new Set<(reader: Reader | undefined) => void>();
  const feed: Omit<FakeFeed, keyof Feed> = {
    sendReader: (reader) => {
      for (const report of reporters) report(reader);
    },
    stories: new Channel(),
    story: new Channel(),
    attempts: new Channel(),
    engines: new Channel(),
    asks: [],
    drafts: [],
    edits: [],
    signIns: [],
    renewals: [],
    deletions: [],
    answers: {
      ask: () => Promise.resolve({ kind: 'opened' }),
      save: () => Promise.resolve({ kind: 'saved', storyId: 'saved-story' }),
      edit: () => Promise.resolve({ kind: 'saved', storyId: 'story-1' }),
      renew: () => Promise.resolve(false),
      signIn: () => Promise.resolve({ kind: 'signed-in' }),
      delete: () => Promise.resolve({ kind: 'deleted' }),
    },
  };
  const signIn = (how: string): Promise<SignInAnswer> => {
    feed.signIns.push(how);
    return feed.answers.signIn();
  };
  const ask = (name: MadeAsk['name'], made: AudioAsk): Promise<AskAnswer> => {
    feed.asks.push({ name, ...made });
    return feed.answers.ask();
  };
  return {
    ...feed,
    watchReader: (report) => {
      reporters.add(report);
      return () => reporters.delete(report);
    },
    watchStories: () => feed.stories.watch,
    watchStory: () => feed.story.watch,
    watchAttempts: () => feed.attempts.watch,
    watchEngines: () => feed.engines.watch,
    signInAsGuest: () => signIn('guest'),
    signInWithToken: (token) => signIn(`token ${token}`),
    signOut: () => {
      feed.sendReader(undefined);
      return Promise.resolve();
    },
    createStory: (draft) => {
      feed.drafts.push(draft);
      return feed.answers.save();
    },
    editStory: (storyId, words, read) => {
      feed.edits.push({ storyId, ...words, read });
      return feed.answers.edit();
    },
    requestAudio: (made) => ask('request', made),
    retryAudio: (made) => ask('retry', made),
    renewAudio: (storyId) => {
      feed.renewals.push(storyId);
      return feed.answers.renew();
    },
    deleteStory: (storyId) => {
      feed.deletions.push(storyId);
      return feed.answers.delete();
    },
    deleteMyData: () => {
      feed.deletions.push('everything');
      return feed.answers.delete();
    },
  };
};
