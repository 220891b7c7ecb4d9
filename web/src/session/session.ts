import { computed, effect, type ReadonlySignal, signal, untracked } from '@preact/signals';
import { type Narration, readNarration } from '../documents/narration.ts';
import type { Story } from '../documents/story.ts';
import type { Feed, Found, Reader, Watch } from '../live/feed.ts';
import { follow, type Surroundings } from '../live/follow.ts';
import { type View, valueOf } from '../live/view.ts';
import type { Drafts } from './drafts.ts';
import { announce, type Moment } from './announcement.ts';
import type { Route } from './route.ts';
import { watchKnownEngines, watchLeases } from './times.ts';

/** Who reads: not known yet, signed out, or a signed-in reader. */
export type ReaderState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'signed-out' }
  | { readonly kind: 'reader'; readonly reader: Reader };

/** Everything the views are drawn from, kept up to date by the feed. */
export type Session = ReturnType<typeof openSession>;

/** Opens what the page is drawn from: follows the reader, their stories, and the story that is open. */
export const openSession = (
  feed: Feed,
  route: ReadonlySignal<Route>,
  { drafts, ...surroundings }: Surroundings & { readonly drafts: Drafts },
) => {
  const reader = signal<ReaderState>({ kind: 'unknown' });
  const stopReader = feed.watchReader((now) => {
    reader.value = now === undefined ? { kind: 'signed-out' } : { kind: 'reader', reader: now };
  });
  const uid = computed(() => (reader.value.kind === 'reader' ? reader.value.reader.uid : undefined));
  const storyId = computed(() =>
    uid.value !== undefined && route.value.kind === 'story' ? route.value.storyId : undefined,
  );

  // A list: whenever one of its parts changes, it is another one.
  const wakes = computed((): readonly unknown[] => [surroundings.wakes.value, reader.value]);
  /** Follows the watch for whatever the key names at the moment. */
  const followBy = <T>(
    key: ReadonlySignal<string | undefined>,
    watch: (key: string) => Watch<T>,
    wakesOfKey: ReadonlySignal<unknown> = wakes,
  ) =>
    follow(
      computed(() => (key.value === undefined ? undefined : watch(key.value))),
      { ...surroundings, wakes: wakesOfKey },
    );
  const stories = followBy(uid, feed.watchStories);
  const listed = computed(() => valueOf(stories.view.value)?.find(({ id }) => id === storyId.value));
  const isListed = computed(() => listed.value !== undefined);
  const storyWakes = computed((): readonly unknown[] => [wakes.value, isListed.value]);
  const followedStory = followBy(storyId, feed.watchStory, storyWakes);
  const attempts = followBy(storyId, feed.watchAttempts, storyWakes);
  const followedEngines = followBy(uid, feed.watchEngines);
  const known = watchKnownEngines(followedEngines.view, surroundings.clock);

  // A story that the list contains opens at once: the server shows it to this reader, whatever its own watch knows so far.
  const story = computed((): View<Found<Story>> => {
    const view = followedStory.view.value;
    if (valueOf(view)?.document !== undefined || listed.value === undefined) return view;
    return { kind: view.kind === 'offline' ? 'offline' : 'connecting', value: { document: listed.value } };
  });
  const openStory = computed(() => valueOf(story.value)?.document);
  const seen = computed(() => {
    const listed = valueOf(stories.view.value) ?? [];
    return openStory.value === undefined ? listed : [...listed, openStory.value];
  });
  const leases = watchLeases(seen, surroundings.clock);
  const narrationOf = (one: Story): Narration => readNarration(one, leases.now());

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
    reader: reader as ReadonlySignal<ReaderState>,
    stories: stories.view,
    story,
    attempts: attempts.view,
    /** Every engine that a worker reported, away when its report has expired. */
    engines: known.engines,
    /** How fresh that is what the reader looks at. */
    connection,
    announcement: announcement as ReadonlySignal<string>,
    /** Where a story's narration stands now. */
    narrationOf,
    say,
    /** Where the reader's unsaved writing is kept: of a story's edit, or of a new story. */
    draftOf: (id?: string) => drafts(uid.peek() ?? '', id),
    close: (): void => {
      stopAnnouncing();
      leases.stop();
      known.stop();
      for (const following of [stories, followedStory, attempts, followedEngines]) following.stop();
      stopReader();
    },
  };
};
