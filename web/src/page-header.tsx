import { useRef } from 'preact/hooks';
import type { Feed, Reader } from './live/feed.ts';
import type { ViewKind } from './live/view.ts';
import { HOME_HREF } from './session/route.ts';
import { ConnectionBadge } from './ui/badges.tsx';
import { ConfirmDialog, PAGE_HEADING_ID } from './ui/elements.tsx';

/** A guest who signs out cannot come back to their stories, so they are asked once more. */
const SignOut = ({ feed, reader }: { feed: Feed; reader: Reader }) => {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button
        class="button quiet small-button"
        type="button"
        data-testid="sign-out"
        onClick={() => (reader.isGuest ? dialog.current?.showModal() : void feed.signOut())}
      >
        Sign out
      </button>
      <ConfirmDialog
        dialog={dialog}
        heading="Leave your stories behind?"
        stay="Stay"
        act="Sign out"
        testId="sign-out-confirm"
        onAct={() => void feed.signOut()}
      >
        You are a guest. Nobody, you included, can open your stories again after you sign out.
      </ConfirmDialog>
    </>
  );
};

/** Leads past the list by keyboard. Not by its address, because the fragment says which story is open. */
const SkipLink = () => (
  <a
    class="skip-link"
    href={`#${PAGE_HEADING_ID}`}
    onClick={(event) => {
      event.preventDefault();
      document.getElementById(PAGE_HEADING_ID)?.focus();
    }}
  >
    Skip to the content
  </a>
);

interface Props {
  readonly connection: ViewKind | undefined;
  readonly feed?: Feed;
  readonly reader?: Reader | undefined;
}

export const PageHeader = ({ connection, feed, reader }: Props) => (
  <header class="page-header">
    {reader !== undefined && <SkipLink />}
    <a class="brand" href={HOME_HREF}>
      Taleback
    </a>
    <div class="page-header-end">
      {connection !== undefined && <ConnectionBadge state={connection} />}
      {feed !== undefined && reader !== undefined && <SignOut feed={feed} reader={reader} />}
    </div>
  </header>
);
