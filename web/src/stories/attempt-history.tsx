import { describeError } from '@taleback/core';
import type { Attempt } from '../documents/attempt.ts';
import { NARRATION_SIGNS, NarrationBadge } from '../ui/badges.tsx';
import { durationWords, Moment } from '../ui/time.tsx';

const tookMs = ({ requestedAtMs, endedAtMs }: Attempt): number | undefined =>
  requestedAtMs === undefined || endedAtMs === undefined || endedAtMs < requestedAtMs
    ? undefined
    : endedAtMs - requestedAtMs;

const madeBy = ({ engine, worker }: Attempt): string | undefined =>
  engine === undefined ? worker : worker === undefined ? engine : `${engine} on ${worker}`;

const AttemptLine = ({ attempt }: { attempt: Attempt }) => {
  const took = tookMs(attempt);
  const maker = madeBy(attempt);
  return (
    <li class="attempt">
      <p class="attempt-head">
        <strong>{attempt.number === undefined ? 'Attempt' : `Attempt ${attempt.number}`}</strong>
        {attempt.status !== undefined && <NarrationBadge kind={attempt.status} />}
        {attempt.requestedAtMs !== undefined && <Moment atMs={attempt.requestedAtMs} as="day-and-time" />}
      </p>
      {attempt.error !== undefined && <p>{describeError(attempt.error.code).sentence}</p>}
      <p class="small attempt-facts">
        {took !== undefined && <span>took {durationWords(took)}</span>}
        {attempt.durationMs !== undefined && <span>{durationWords(attempt.durationMs)} of audio</span>}
        {maker !== undefined && <span>by {maker}</span>}
        <span class="job">job {attempt.jobId}</span>
      </p>
      {attempt.transitions.length > 0 && (
        <ul class="small trail" aria-label="How it went">
          {attempt.transitions.map(({ status, source, atMs }) => (
            <li key={status}>
              {NARRATION_SIGNS[status].word.toLowerCase()}
              {atMs !== undefined && (
                <>
                  {' '}
                  <Moment atMs={atMs} as="time" />
                </>
              )}
              {source !== undefined && ` (${source})`}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
};

/** Every attempt at this story's narration, newest first. */
export const AttemptHistory = ({ attempts }: { attempts: readonly Attempt[] }) =>
  attempts.length === 0 ? null : (
    <section class="history" aria-labelledby="history-heading" data-testid="attempts">
      <h2 id="history-heading">Attempts</h2>
      <ol reversed>
        {attempts.map((attempt) => (
          <AttemptLine key={attempt.id} attempt={attempt} />
        ))}
      </ol>
    </section>
  );
