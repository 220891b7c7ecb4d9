import { valueOf } from '../live/view.ts';
import { NEW_STORY_HREF, storyHref } from '../session/route.ts';
import type { Session } from '../session/session.ts';
import { ConnectionNotice, NarrationBadge } from '../ui/badges.tsx';
import { DeleteButton } from '../ui/delete-button.tsx';
import { PageHeading, Icon } from '../ui/elements.tsx';
import type { Story } from '../documents/story.ts';
import { Moment } from '../ui/time.tsx';

/** What stands beside the list while no story is open. */
export const HomePage = ({ session }: { session: Session }) => {
  const view = session.stories.value;
  const hasStories = (valueOf(view)?.length ?? 0) > 0;
  return (
    <div class={hasStories ? 'home beside-list' : 'home'}>
      <ConnectionNotice state={view.kind} />
      <PageHeading>{hasStories ? 'Choose a story' : 'Write a first story'}</PageHeading>
      <p class="lead">
        {hasStories
          ? 'Open one to read it, to listen to it, or to have it narrated.'
          : 'Give it a title and a text, or begin with a fable. Then have it narrated.'}
      </p>
      {!hasStories && (
        <p>
          <a class="button" href={NEW_STORY_HREF}>
            Write a story
          </a>
        </p>
      )}
    </div>
  );
};

const Line = ({ session, story, isOpen }: { session: Session; story: Story; isOpen: boolean }) => (
  <li>
    <a
      class="story-link"
      href={storyHref(story.id)}
      aria-current={isOpen ? 'page' : undefined}
      data-testid={`story-item-${story.id}`}
    >
      <span class="story-link-title" lang={story.language}>
        {story.title}
      </span>
      <span class="story-link-foot">
        <NarrationBadge kind={session.narrationOf(story).kind} />
        {story.createdAtMs !== undefined && <Moment atMs={story.createdAtMs} as="day-and-time" />}
      </span>
    </a>
  </li>
);

/** What the list says when it has no line to show. */
const emptyWords = (session: Session): string => {
  switch (session.stories.value.kind) {
    case 'live':
      return 'No stories yet.';
    case 'denied':
      return 'Your stories are not open to you.';
    case 'offline':
      return 'Your stories appear when the connection is back.';
    case 'connecting':
    case 'stale':
      return 'Fetching your stories.';
    default:
      return session.stories.value satisfies never;
  }
};

/** The reader's own stories, newest first, each with where its narration stands. */
export const StoryList = ({ session }: { session: Session }) => {
  const stories = valueOf(session.stories.value) ?? [];
  const route = session.route.value;
  return (
    <nav class="story-list" aria-labelledby="list-heading">
      <div class="panel-head">
        <h2 id="list-heading">Your stories</h2>
        <a class="button small-button with-icon" href={NEW_STORY_HREF} data-testid="new-story">
          <Icon name="plus" />
          New story
        </a>
      </div>
      {stories.length === 0 ? (
        <p class="small">{emptyWords(session)}</p>
      ) : (
        <ul>
          {stories.map((story) => (
            <Line
              key={story.id}
              session={session}
              story={story}
              isOpen={route.kind === 'story' && route.storyId === story.id}
            />
          ))}
        </ul>
      )}
      {stories.length > 0 && (
        <DeleteButton
          label="Delete everything"
          heading="Delete everything of yours?"
          testId="delete-everything"
          remove={session.feed.deleteMyData}
          onDeleted={() => {
            for (const id of [undefined, ...stories.map((story) => story.id)]) session.draftOf(id).forget();
            session.say('Everything of yours is deleted.');
          }}
        >
          Your stories, their narrations and history, and your voices cannot be brought back.
        </DeleteButton>
      )}
    </nav>
  );
};
