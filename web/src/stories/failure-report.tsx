import { describeError } from '@taleback/core';
import type { Failure, Story } from '../documents/story.ts';
import { FailureNotice } from '../ui/elements.tsx';
import { Moment } from '../ui/time.tsx';

interface Props {
  readonly failure: Failure;
  readonly story: Story;
}

/** Says what happened and what to do now; what the machine said is one click away. */
export const FailureReport = ({ failure, story }: Props) => {
  const { sentence, nextStep } = describeError(failure.code);
  const { retryAtMs } = story.audio;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['What the narrator said', failure.words],
    ['Technical details', failure.details],
    ['Code', failure.code],
    ['Job', story.audio.jobId],
    ['Attempt', story.audio.attempt > 0 ? String(story.audio.attempt) : undefined],
  ];
  return (
    <>
      <FailureNotice>
        <p class="failure-sentence" data-testid="error-sentence">
          {sentence}
        </p>
        <p>{nextStep}</p>
        {retryAtMs !== undefined && (
          <p data-testid="retry-note">
            Otherwise it is tried again by itself after <Moment atMs={retryAtMs} as="time" />.
          </p>
        )}
      </FailureNotice>
      <details class="disclosure" data-testid="error-details">
        <summary>What exactly happened</summary>
        <dl class="facts">
          {facts.map(
            ([name, value]) =>
              value !== undefined && (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ),
          )}
        </dl>
      </details>
    </>
  );
};
