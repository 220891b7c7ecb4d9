import type { Engine, Story } from '../documents/index.ts';
import { type ViewKind, valueOf } from '../live/index.ts';
import { HOME_HREF, type Session } from '../session/index.ts';
import { ConnectionNotice, Icon, Moment, PageHeading } from '../ui/index.ts';
import { languageName } from './language-select.tsx';
import { StoryBody } from './story-body.tsx';
import { voiceLabel, voicesOf } from './voices.ts';

/** Why there is no story to show. */
const ABSENCE: Readonly<Record<ViewKind, { heading: string; words: string }>> = {
  connecting: { heading: 'Opening the story', words: 'It appears here in a moment.' },
  stale: { heading: 'Opening the story', words: 'It appears here in a moment.' },
  live: { heading: 'There is no such story', words: 'It may have been removed.' },
  offline: {
    heading: 'The story cannot be opened yet',
    words: 'The server cannot be reached. The story opens by itself when it can.',
  },
  denied: {
    heading: 'This story is not open to you',
    words: 'It belongs to another reader, or it is not there any more.',
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
export const StoryPage = ({ session }: { session: Session }) => {
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
        </>
      )}
    </article>
  );
};
