import { valueOf } from '../live/index.ts';
import { NEW_STORY_HREF, type Session } from '../session/index.ts';
import { ConnectionNotice, PageHeading } from '../ui/index.ts';

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
