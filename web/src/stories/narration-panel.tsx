import { useLayoutEffect, useRef } from 'preact/hooks';
import { AskArea, type AskAreaProps } from './ask-area.tsx';
import { NarrationBadge } from './narration-badge.tsx';
import { NarrationBody } from './narration-body.tsx';
import { Player, playerKey } from './player.tsx';

interface Props extends AskAreaProps {
  readonly stage: string | undefined;
  /** The audio did not load. Whether another address of it comes. */
  readonly onBroken: () => Promise<boolean>;
}

/** Where the narration stands, and what can be done about it. */
export const NarrationPanel = ({ story, narration, engines, state, stage, onAsk, onBroken }: Props) => {
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
        story={story}
        narration={narration}
        engines={engines}
        state={state}
        onAsk={(kind, ask) => {
          hasAsked.current = true;
          onAsk(kind, ask);
        }}
      />
    </section>
  );
};
