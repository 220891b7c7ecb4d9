import { useEffect, useMemo } from 'preact/hooks';
import type { Attempt, Story } from '../documents/index.ts';
import { valueOf } from '../live/index.ts';
import { createAsking, type Session } from '../session/index.ts';
import { AttemptHistory } from './attempt-history.tsx';
import { NarrationPanel } from './narration-panel.tsx';
import { StoryText } from './story-text.tsx';

const NO_ATTEMPTS: readonly Attempt[] = [];

/** Where a story's narration stands, its text, and every attempt so far. */
export const StoryBody = ({ session, story }: { session: Session; story: Story }) => {
  const asking = useMemo(() => createAsking(session.feed, session.say), [session]);
  useEffect(() => asking.forget(), [asking, story.audio.jobId, story.text]);
  const attempts = valueOf(session.attempts.value) ?? NO_ATTEMPTS;
  const stage = attempts.find(({ jobId }) => jobId === story.audio.jobId)?.stage;
  return (
    <>
      <NarrationPanel
        story={story}
        narration={session.narrationOf(story)}
        engines={session.engines.value}
        state={asking.state.value}
        stage={stage}
        onAsk={(kind, ask) => void asking.ask(kind, ask)}
        onBroken={() => session.feed.renewAudio(story.id)}
      />
      <StoryText session={session} story={story} />
      <AttemptHistory attempts={attempts} />
    </>
  );
};
