import type { StoryWords } from '../documents/story.ts';
import { FailureNotice, Icon } from '../ui/elements.tsx';

interface Props {
  /** What the story contains now. */
  readonly saved: StoryWords;
  /** Whether a save was refused for it. */
  readonly isRefused: boolean;
  readonly onKeepMine: () => void;
  readonly onDiscard: () => void;
}

const SENTENCE = 'This story was changed somewhere else while you were writing.';
const NEXT_STEP = 'Nothing was overwritten: your writing is above, the saved story is here.';

/** The saved story beside the one that is written, and the choice between them. */
export const Conflict = ({ saved, isRefused, onKeepMine, onDiscard }: Props) => (
  <div class="conflict" data-testid="conflict">
    {isRefused ? (
      <FailureNotice sentence={SENTENCE}>
        <p>{NEXT_STEP}</p>
      </FailureNotice>
    ) : (
      <p class="notice">
        <Icon name="history" />
        <span>
          <strong>{SENTENCE}</strong> {NEXT_STEP}
        </span>
      </p>
    )}
    <section class="panel" aria-labelledby="saved-heading">
      <h3 id="saved-heading">The saved story</h3>
      <p class="saved-title">{saved.title}</p>
      {/* It scrolls, so it can be reached by keyboard. */}
      <div class="saved-text" role="region" aria-label="Text of the saved story" tabIndex={0}>
        {saved.text}
      </div>
    </section>
    <div class="actions">
      <button class="button quiet" type="button" data-testid="keep-mine" onClick={onKeepMine}>
        Replace it with mine
      </button>
      <button class="button quiet" type="button" data-testid="take-saved" onClick={onDiscard}>
        Discard mine
      </button>
    </div>
  </div>
);
