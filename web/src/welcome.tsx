import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Feed, SignInAnswer } from './live/feed.ts';
import type { ViewKind } from './live/view.ts';
import { PageHeader } from './page-header.tsx';
import { FailureNotice, PageHeading } from './ui/elements.tsx';

/** The same words are in index.html, so that nothing moves when the script takes over. */
const Greeting = () => (
  <>
    <PageHeading>Have your stories read aloud</PageHeading>
    <p class="lead">
      Write a story and ask for its narration. You see each step as it happens, and when one fails you see why
      and can try again.
    </p>
  </>
);

/** Before it is known whether the reader is signed in. */
export const Opening = () => (
  <div class="welcome">
    <Greeting />
    <p class="small">Opening.</p>
  </div>
);

/** One button to sign in, and what being a guest means. */
export const Welcome = ({ feed, fault }: { feed: Feed; fault: SignInAnswer | undefined }) => {
  const isSigningIn = useSignal(false);
  const answer = useSignal<SignInAnswer | undefined>(undefined);
  const signIn = async (): Promise<void> => {
    if (isSigningIn.value) return;
    isSigningIn.value = true;
    answer.value = await feed.signInAsGuest();
    isSigningIn.value = false;
  };
  const outcome = answer.value ?? fault;
  return (
    <div class="welcome">
      <Greeting />
      <button
        class="button"
        type="button"
        data-testid="sign-in"
        aria-disabled={isSigningIn.value}
        onClick={() => void signIn()}
      >
        {isSigningIn.value ? 'Signing in' : 'Sign in as a guest'}
      </button>
      <p class="small">
        A guest needs no name and no password. Your stories stay with this browser until you sign out.
      </p>
      {outcome !== undefined && outcome.kind !== 'signed-in' && (
        <FailureNotice sentence="You could not be signed in.">
          <p>
            {outcome.kind === 'unreached'
              ? 'The server cannot be reached. Check your connection.'
              : outcome.words}
          </p>
        </FailureNotice>
      )}
    </div>
  );
};

interface StandaloneProps {
  readonly heading?: string;
  readonly connection?: ViewKind;
  readonly children: ComponentChildren;
}

/** The page without a session. */
const Standalone = ({ heading = 'Taleback', connection, children }: StandaloneProps) => (
  <>
    <PageHeader connection={connection} />
    <div class="layout">
      <main class="welcome">
        <PageHeading>{heading}</PageHeading>
        {children}
      </main>
    </div>
  </>
);

/** The page cannot begin; `sentence` says what is missing from which file. */
export const Unconfigured = ({ sentence }: { sentence: string }) => (
  <Standalone heading="Taleback is not set up yet">
    <FailureNotice sentence="The configuration of this page is incomplete.">
      <p data-testid="config-error">{sentence}</p>
    </FailureNotice>
  </Standalone>
);

/** The server that the page came from does not answer for its configuration. */
export const Unreached = () => (
  <Standalone connection="offline">
    <p class="lead">The server cannot be reached. The page goes on automatically when it can.</p>
  </Standalone>
);

/** A part of the page did not arrive, or would not begin. */
export const Broken = ({ words }: { words: string }) => (
  <Standalone>
    <FailureNotice sentence="A part of this page could not be loaded.">
      <p>
        <a href={location.pathname}>Load the page again.</a>
      </p>
      <p class="small">{words}</p>
    </FailureNotice>
  </Standalone>
);
