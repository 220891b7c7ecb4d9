import { useSignal } from '@preact/signals';
import type { Feed, SignInAnswer } from './live/feed.ts';
import { FailureNotice, PageHeading } from './ui/elements.tsx';

/** The same words are in index.html, so that nothing moves when the script takes over. */
export const WELCOME = 'Have your stories read aloud';

export const Lead = () => (
  <p class="lead">
    Write a story and ask for its narration. You see each step as it happens, and when one fails you see why
    and can try again.
  </p>
);

const faultWords = (answer: Exclude<SignInAnswer, { kind: 'signed-in' }>): string =>
  answer.kind === 'unreached' ? 'The server cannot be reached. Check your connection.' : answer.words;

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
      <PageHeading>{WELCOME}</PageHeading>
      <Lead />
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
        <FailureNotice>
          <p class="failure-sentence">You could not be signed in.</p>
          <p>{faultWords(outcome)}</p>
        </FailureNotice>
      )}
    </div>
  );
};
