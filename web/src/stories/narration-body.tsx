import type { Narration } from '../documents/narration.ts';
import type { Story } from '../documents/story.ts';
import { Moment } from '../ui/time.tsx';
import { FailureReport } from './failure-report.tsx';
import { Player, playerKey } from './player.tsx';

interface Props {
  readonly story: Story;
  readonly narration: Narration;
  /** What the worker says it is doing, such as `synthesizing`. */
  readonly stage: string | undefined;
  /** The audio did not load. Whether another address of it comes. */
  readonly onBroken: () => Promise<boolean>;
}

const stageWords = (stage: string | undefined): string => {
  const words = stage?.replaceAll(/[_-]+/g, ' ').trim();
  return words === undefined || words === '' ? 'Working' : words[0]?.toUpperCase() + words.slice(1);
};

const Progress = ({ share, stage }: { share: number | undefined; stage: string | undefined }) => {
  const words = stageWords(stage);
  return (
    <div class="progress">
      <p>
        <span>{words}</span>
        {share !== undefined && <span class="figure">{Math.round(share * 100)}%</span>}
      </p>
      <progress aria-label="Progress of the narration" value={share} max={1} />
    </div>
  );
};

/** What there is to say, see and hear of a narration in its present state. */
export const NarrationBody = ({ story, narration, stage, onBroken }: Props) => {
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
      if (narration.audio === undefined) {
        return narration.isKept ? (
          <p>
            The narration is made and kept, but it has no address here, so it cannot be played on this page.
          </p>
        ) : (
          <p>The narration is said to be ready, but nothing was left to play. You can have it made again.</p>
        );
      }
      return (
        <Player
          key={playerKey(narration.audio)}
          audio={narration.audio}
          label={`Narration of ${story.title}`}
          onBroken={onBroken}
        />
      );
    case 'failed':
      return <FailureReport failure={narration.failure} story={story} />;
    default:
      return narration satisfies never;
  }
};
