import { useEffect, useMemo } from 'preact/hooks';
import type { Attempt } from '../documents/attempt.ts';
import type { Story } from '../documents/story.ts';
import { valueOf, type ViewKind } from '../live/view.ts';
import { createAsking } from '../session/asking.ts';
import type { Session } from '../session/session.ts';
import { AttemptHistory } from './attempt-history.tsx';
import { NarrationPanel } from './narration-panel.tsx';
import { StoryText } from './story-text.tsx';
import type { Engine } from '../documents/engine.ts';
import { HOME_HREF } from '../session/route.ts';
import { ConnectionNotice } from '../ui/badges.tsx';
import { DeleteButton } from '../ui/delete-button.tsx';
import { Icon, PageHeading } from '../ui/elements.tsx';
import { Moment } from '../ui/time.tsx';
import { languageName } from './fields.tsx';
import { voiceLabel, voicesOf } from './voices.ts';

const NO_ATTEMPTS: readonly Attempt[] = [];

/** Where a story's narration stands, its text, and every attempt so far. */
export const StoryBody = ({ session, story }: { session: Session; story: Story }) => {
  const asking = useMemo(() => createAsking(session.feed, session.say), [session]);
  useEffect(() => asking.forget(), [asking, story.audio.jobId, story.text]);
  const attempts = valueOf(session.attempts.value) ?? NO_ATTEMPTS;
  const stage = attempts.find(({ jobId }) => jobId === story.audio.jobId)?.stage;
  return (
    <>
      <NarrationPanel
        story={story}
        narration={session.narrationOf(story)}
        engines={session.engines.value}
        state={asking.state.value}
        stage={stage}
        onAsk={(kind, ask) => void asking.ask(kind, ask)}
        onBroken={() => session.feed.renewAudio(story.id)}
      />
      <StoryText session={session} story={story} />
      <AttemptHistory attempts={attempts} />
    </>
  );
};

/** Why there is no story to show. */
const ABSENCE: Readonly<Record<ViewKind, { heading: string; words: string }>> = {
  connecting: { heading: 'Opening the story', words: 'It appears here in a moment.' },
  stale: { heading: 'Opening the story', words: 'It appears here in a moment.' },
  live: { heading: 'There is no such story', words: 'It may have been removed.' },
  offline: {
    heading: 'The story cannot be opened yet',
    words: 'The server cannot be reached. The story opens automatically when it can.',
  },
  denied: {
    heading: 'This story is not open to you',
    words: 'It belongs to another reader, or it is not there. The page tries again and opens it when it can.',
  },
};

const Facts = ({ story, engines }: { story: Story; engines: readonly Engine[] }) => (
  <p class="meta">
    <span>{languageName(story.language)}</span>
    <span>Read by {voiceLabel(voicesOf(engines), story.voiceId, story.voiceName)}</span>
    {story.createdAtMs !== undefined && <Moment atMs={story.createdAtMs} as="day" />}
  </p>
);

/** One story. Its heading stays the same element when the data comes, because focus may stand on it. */
export const StoryPage = ({ session, go }: { session: Session; go: (href: string) => void }) => {
  const view = session.story.value;
  const story = valueOf(view)?.document;
  return (
    <article>
      <p class="back">
        <a class="with-icon" href={HOME_HREF}>
          <Icon name="back" />
          All stories
        </a>
      </p>
      <header class="story-head">
        <PageHeading lang={story?.language}>{story?.title ?? ABSENCE[view.kind].heading}</PageHeading>
        {story === undefined ? (
          <p class="lead">{ABSENCE[view.kind].words}</p>
        ) : (
          <Facts story={story} engines={session.engines.value} />
        )}
      </header>
      {story !== undefined && (
        <>
          <ConnectionNotice state={view.kind} />
          <StoryBody session={session} story={story} />
          <DeleteButton
            label="Delete this story"
            heading="Delete this story?"
            testId="delete-story"
            remove={() => session.feed.deleteStory(story.id)}
            onDeleted={() => {
              session.draftOf(story.id).forget();
              session.say('The story is deleted.');
              const route = session.route.peek();
              if (route.kind === 'story' && route.storyId === story.id) go(HOME_HREF);
            }}
          >
            Its text, its narration and its history cannot be brought back.
          </DeleteButton>
        </>
      )}
    </article>
  );
};
