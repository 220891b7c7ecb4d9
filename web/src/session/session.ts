import { computed, effect, type ReadonlySignal, signal, untracked } from '@preact/signals';
import type { Attempt } from '../documents/attempt.ts';
import type { Engine } from '../documents/engine.ts';
import { type Narration, readNarration } from '../documents/narration.ts';
import type { Story } from '../documents/story.ts';
import type { Feed, Found, Reader, Watch } from '../live/feed.ts';
import { follow, type Surroundings } from '../live/follow.ts';
import { type View, type ViewKind, valueOf } from '../live/view.ts';
import { announce, type Moment } from './announcement.ts';
import type { Route } from './route.ts';
import { watchKnownEngines, watchLeases } from './times.ts';

/** Who reads: not known yet, signed out, or a signed-in reader. */
export type ReaderState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'signed-out' }
  | { readonly kind: 'reader'; readonly reader: Reader };

/** Everything the views are drawn from, kept up to date by the feed. */
export interface Session {
  readonly feed: Feed;
  readonly route: ReadonlySignal<Route>;
  readonly reader: ReadonlySignal<ReaderState>;
  readonly stories: ReadonlySignal<View<readonly Story[]>>;
  readonly story: ReadonlySignal<View<Found<Story>>>;
  readonly attempts: ReadonlySignal<View<readonly Attempt[]>>;
  /** Every engine that a worker reported, away when its report has expired. */
  readonly engines: ReadonlySignal<readonly Engine[]>;
  /** How fresh that is what the reader looks at. */
  readonly connection: ReadonlySignal<ViewKind>;
  readonly announcement: ReadonlySignal<string>;
  /** Where a story's narration stands now. */
  readonly narrationOf: (story: Story) => Narration;
  readonly say: (words: string) => void;
  readonly close: () => void;
}

/** Opens what the page is drawn from: follows the reader, their stories, and the story that is open. */
export const openSession = (
  feed: Feed,
  route: ReadonlySignal<Route>,
  surroundings: Surroundings,
): Session => {
  const reader = signal<ReaderState>({ kind: 'unknown' });
  const stopReader = feed.watchReader((now) => {
    reader.value = now === undefined ? { kind: 'signed-out' } : { kind: 'reader', reader: now };
  });
  const uid = computed(() => (reader.value.kind === 'reader' ? reader.value.reader.uid : undefined));
  const storyId = computed(() =>
    uid.value !== undefined && route.value.kind === 'story' ? route.value.storyId : undefined,
  );

  /** Follows the watch for whatever the key names at the moment. */
  const followBy = <T>(key: ReadonlySignal<string | undefined>, watch: (key: string) => Watch<T>) =>
    follow(
      computed(() => (key.value === undefined ? undefined : watch(key.value))),
      surroundings,
    );
  const stories = followBy(uid, feed.watchStories);
  const followedStory = followBy(storyId, feed.watchStory);
  const attempts = followBy(storyId, feed.watchAttempts);
  const followedEngines = followBy(uid, () => feed.watchEngines);
  const known = watchKnownEngines(followedEngines.view, surroundings.clock);

  // A story that the list holds opens at once, before its own first word from the server.
  const story = computed((): View<Found<Story>> => {
    const view = followedStory.view.value;
    if (view.kind !== 'connecting' || view.value !== undefined) return view;
    const document = valueOf(stories.view.value)?.find(({ id }) => id === storyId.value);
    return document === undefined ? view : { kind: 'connecting', value: { document } };
  });
  const openStory = computed(() => valueOf(story.value)?.document);
  const seen = computed(() => {
    const listed = valueOf(stories.view.value) ?? [];
    return openStory.value === undefined ? listed : [...listed, openStory.value];
  });
  const leases = watchLeases(seen, surroundings.clock);
  const narrationOf = (one: Story): Narration =>
    readNarration(one, Math.max(leases.nowMs.value, surroundings.clock.now()));

  const connection = computed(() =>
    storyId.value === undefined ? stories.view.value.kind : story.value.kind,
  );
  const announcement = signal('');
  const say = (words: string): void => {
    // The same words twice are no change to a live region, so they differ by a space that is not spoken.
    announcement.value = words === announcement.peek() ? `${words}\u00a0` : words;
  };

  let before: Moment | undefined;
  const stopAnnouncing = effect(() => {
    const one = openStory.value;
    const now: Moment = {
      storyId: storyId.value,
      narration: one === undefined ? undefined : narrationOf(one).kind,
      connection: connection.value,
    };
    const words = before === undefined ? undefined : announce(before, now);
    before = now;
    if (words !== undefined) untracked(() => say(words));
  });

  return {
    feed,
    route,
    reader,
    stories: stories.view,
    story,
    attempts: attempts.view,
    engines: known.engines,
    connection,
    announcement,
    narrationOf,
    say,
    close: () => {
      stopAnnouncing();
      leases.stop();
      known.stop();
      for (const following of [stories, followedStory, attempts, followedEngines]) following.stop();
      stopReader();
    },
  };
};
