import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { SignInAnswer } from './live/feed.ts';
import { valueOf } from './live/view.ts';
import { PageHeader } from './page-header.tsx';
import { type Route, storyHref } from './session/route.ts';
import type { Session } from './session/session.ts';
import { HomePage, StoryList } from './stories/story-list.tsx';
import { NewStoryPage } from './stories/new-story-page.tsx';
import { StoryPage } from './stories/story-page.tsx';
import { PAGE_HEADING_ID } from './ui/elements.tsx';
import { Opening, Welcome } from './welcome.tsx';

interface Props {
  readonly session: Session;
  /** How signing in with a token from the address ended, when there was one. */
  readonly tokenAnswer: ReadonlySignal<SignInAnswer | undefined>;
  readonly go: (href: string) => void;
}

const placeOf = (route: Route): string => (route.kind === 'story' ? storyHref(route.storyId) : route.kind);

/** The title of the window follows what is open. */
const titleOf = (session: Session): string => {
  const route = session.route.value;
  const story = route.kind === 'story' ? valueOf(session.story.value)?.document : undefined;
  if (story !== undefined) return `${story.title} · Taleback`;
  return route.kind === 'new' ? 'New story · Taleback' : 'Taleback';
};

const Page = ({ session, go }: Pick<Props, 'session' | 'go'>) => {
  const route = session.route.value;
  switch (route.kind) {
    case 'home':
      return <HomePage session={session} />;
    case 'new':
      return <NewStoryPage session={session} go={go} />;
    case 'story':
      return <StoryPage session={session} go={go} />;
    default:
      return route satisfies never;
  }
};

/** The whole page. Focus goes to the heading when the reader opens another page, and never because data came. */
export const App = ({ session, tokenAnswer, go }: Props) => {
  const state = session.reader.value;
  const route = session.route.value;
  const place = state.kind === 'reader' ? placeOf(route) : 'welcome';
  const lastPlace = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    if (lastPlace.current !== undefined && lastPlace.current !== place && state.kind !== 'unknown') {
      document.getElementById(PAGE_HEADING_ID)?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    if (state.kind !== 'unknown') lastPlace.current = place;
  }, [place, state.kind]);
  const title = titleOf(session);
  useEffect(() => {
    document.title = title;
  }, [title]);

  const reader = state.kind === 'reader' ? state.reader : undefined;
  return (
    <>
      <PageHeader
        connection={state.kind === 'signed-out' ? undefined : session.connection.value}
        feed={session.feed}
        reader={reader}
      />
      <div class={reader === undefined ? 'layout' : 'layout has-list'} data-route={route.kind}>
        {reader !== undefined && <StoryList session={session} />}
        <main>
          {state.kind === 'unknown' && <Opening />}
          {state.kind === 'signed-out' && <Welcome feed={session.feed} fault={tokenAnswer.value} />}
          {reader !== undefined && <Page key={place} session={session} go={go} />}
        </main>
      </div>
      <p class="visually-hidden" role="status">
        {session.announcement}
      </p>
    </>
  );
};
