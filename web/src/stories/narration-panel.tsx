import { describeError } from '@taleback/core';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Narration } from '../documents/narration.ts';
import type { Failure, Story } from '../documents/story.ts';
import { NarrationBadge } from '../ui/badges.tsx';
import { FailureNotice } from '../ui/elements.tsx';
import { Moment } from '../ui/time.tsx';
import { AskArea, type AskAreaProps } from './ask-area.tsx';
import { Player, playerKey } from './player.tsx';

interface BodyProps {
  readonly story: Story;
  readonly narration: Narration;
  /** What the worker says it is doing, such as `synthesizing`. */
  readonly stage: string | undefined;
  /** The audio did not load. Whether another address of it comes. */
  readonly onBroken: () => Promise<boolean>;
}

const Progress = ({ share, stage = '' }: { share: number | undefined; stage: string | undefined }) => {
  const words = stage.replaceAll(/[_-]+/g, ' ').trim() || 'Working';
  return (
    <div class="progress">
      <p>
        <span>{words.charAt(0).toUpperCase() + words.slice(1)}</span>
        {share !== undefined && <span class="figure">{Math.round(share * 100)}%</span>}
      </p>
      <progress aria-label="Progress of the narration" value={share} max={1} />
    </div>
  );
};

/** Says what happened and what to do now; what the machine said is one click away. */
const FailureReport = ({ failure, story }: { failure: Failure; story: Story }) => {
  const { sentence, nextStep } = describeError(failure.code);
  const { retryAtMs, jobId, attempt } = story.audio;
  const facts = {
    'What the narrator said': failure.words,
    'Technical details': failure.details,
    Code: failure.code,
    Job: jobId,
    Attempt: attempt > 0 ? attempt : undefined,
  };
  return (
    <>
      <FailureNotice sentence={sentence} testId="error-sentence">
        <p>{nextStep}</p>
        {retryAtMs !== undefined && (
          <p data-testid="retry-note">
            Otherwise it is retried automatically after <Moment atMs={retryAtMs} as="time" />.
          </p>
        )}
      </FailureNotice>
      <details class="disclosure" data-testid="error-details">
        <summary>What exactly happened</summary>
        <dl class="facts">
          {Object.entries(facts).map(
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

/** What there is to say, see and hear of a narration in its present state. */
const NarrationBody = ({ story, narration, stage, onBroken }: BodyProps) => {
  switch (narration.kind) {
    case 'none':
      return <p>Nobody has asked for a narration of this story yet.</p>;
    case 'pending':
      return <p>The story is waiting for the narrator. You can leave this page; it will be here later.</p>;
    case 'processing':
      return <Progress share={narration.progress} stage={stage} />;
    case 'silent':
      return (
        <p>
          There is no word from the narrator, who should have been heard from by{' '}
          <Moment atMs={narration.sinceMs} as="day-and-time" />. Nothing of your story is lost.
        </p>
      );
    case 'ready':
      if (narration.audio !== undefined) {
        const label = `Narration of ${story.title}`;
        const { audio } = narration;
        return <Player key={playerKey(audio)} audio={audio} label={label} onBroken={onBroken} />;
      }
      return (
        <p>
          {narration.isKept
            ? 'The narration is made and kept, but it has no address here, so it cannot be played on this page.'
            : 'The narration is said to be ready, but nothing was left to play. You can have it made again.'}
        </p>
      );
    case 'failed':
      return <FailureReport failure={narration.failure} story={story} />;
    default:
      return narration satisfies never;
  }
};

/** Where the narration stands, and what can be done about it. */
export const NarrationPanel = ({ stage, onBroken, onAsk, ...shared }: BodyProps & AskAreaProps) => {
  const { story, narration } = shared;
  const heading = useRef<HTMLHeadingElement>(null);
  const hasAsked = useRef(false);
  useLayoutEffect(() => {
    // The pressed button goes away when its ask is granted; the reader goes on at the heading, not at the top.
    const isFocusLost = document.activeElement === null || document.activeElement === document.body;
    if (hasAsked.current && isFocusLost) heading.current?.focus({ preventScroll: true });
    hasAsked.current = false;
  }, [narration.kind]);

  const previous = 'previous' in narration ? narration.previous : undefined;
  return (
    <section
      class="panel narration"
      aria-labelledby="narration-heading"
      data-testid="audio-status"
      data-status={narration.kind}
      data-attempt={story.audio.attempt}
    >
      <div class="panel-head">
        <h2 id="narration-heading" tabIndex={-1} ref={heading}>
          Narration
        </h2>
        <NarrationBadge kind={narration.kind} />
      </div>
      <NarrationBody story={story} narration={narration} stage={stage} onBroken={onBroken} />
      {previous !== undefined && (
        <div class="previous">
          <h3>Previous narration</h3>
          <Player
            key={playerKey(previous)}
            audio={previous}
            label={`Previous narration of ${story.title}`}
            onBroken={onBroken}
          />
        </div>
      )}
      <AskArea
        {...shared}
        onAsk={(kind, ask) => {
          hasAsked.current = true;
          onAsk(kind, ask);
        }}
      />
    </section>
  );
};
