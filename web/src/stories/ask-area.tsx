import { useSignal } from '@preact/signals';
import { describeError } from '@taleback/core';
import type { Engine } from '../documents/engine.ts';
import type { Narration } from '../documents/narration.ts';
import type { Story } from '../documents/story.ts';
import type { AudioAsk } from '../live/feed.ts';
import type { AskState } from '../session/asking.ts';
import { FailureNotice, Icon } from '../ui/elements.tsx';
import { Moment } from '../ui/time.tsx';
import { VoiceSelect } from './fields.tsx';
import {
  areNarratorsAway,
  firstVoiceId,
  otherVoiceId,
  type Voice,
  voiceLabel,
  voiceOf,
  voicesFor,
  voicesOf,
} from './voices.ts';

export interface AskAreaProps {
  readonly story: Story;
  readonly narration: Narration;
  readonly engines: readonly Engine[];
  readonly state: AskState;
  readonly onAsk: (kind: 'request' | 'retry', ask: AudioAsk) => void;
}

/** Says why an ask was not taken. */
const AskFault = ({ state }: { state: AskState }) => {
  if (state.kind === 'unreached') {
    return (
      <FailureNotice sentence="The request did not get through.">
        <p>Check your connection, then try again. Asking twice does no harm.</p>
      </FailureNotice>
    );
  }
  if (state.kind !== 'refused') return null;
  const { sentence, nextStep } = describeError(state.code);
  return (
    <FailureNotice sentence={sentence}>
      {state.retryAtMs === undefined ? (
        <p>{nextStep}</p>
      ) : (
        <p>
          You can ask for the next one from <Moment atMs={state.retryAtMs} as="day-and-time" />.
        </p>
      )}
      {state.code === 'unknown' && <p class="small">{state.words}</p>}
    </FailureNotice>
  );
};

/** Says, before anything is asked, that there will hardly be an answer now. No failure: asking is allowed. */
const NarratorsAway = () => (
  <p class="notice" data-testid="narrators-away">
    <Icon name="clock" />
    <span>
      <strong>The narrators for this language are away at the moment.</strong> You can ask anyway: if none of
      them comes back in time, this page tells you, and you can try again.
    </span>
  </p>
);

interface Offer {
  readonly kind: 'request' | 'retry';
  readonly label: string;
  readonly isQuiet: boolean;
}

/** What a person may ask for; a job that is alive leaves nothing to ask. */
const offerFor = (narration: Narration): Offer | undefined => {
  switch (narration.kind) {
    case 'none':
      return { kind: 'request', label: 'Narrate this story', isQuiet: false };
    case 'ready':
      return { kind: 'request', label: 'Narrate again', isQuiet: true };
    case 'failed':
    case 'silent':
      return { kind: 'retry', label: 'Try again', isQuiet: false };
    case 'pending':
    case 'processing':
      return narration.isLeased ? undefined : { kind: 'retry', label: 'Try again', isQuiet: true };
    default:
      return narration satisfies never;
  }
};

const isAboutVoice = (narration: Narration, state: AskState): boolean =>
  (narration.kind === 'failed' && describeError(narration.failure.code).category === 'voice') ||
  (state.kind === 'refused' && describeError(state.code).category === 'voice');

/** The button that asks for a narration and, where another voice may be wanted, the choice of one. */
export const AskArea = ({ story, narration, engines, state, onAsk }: AskAreaProps) => {
  const chosen = useSignal<Voice | undefined>(undefined);
  const offer = offerFor(narration);
  if (offer === undefined) return null;

  const isAsking = state.kind === 'asking';
  const needsVoice = isAboutVoice(narration, state);
  const isChoosing = needsVoice || offer.kind === 'request';
  const known = voicesOf(engines);
  const offered = voicesFor(known, story.language);
  const firstId = needsVoice
    ? otherVoiceId(offered, story.voiceId)
    : (story.voiceId ?? firstVoiceId(offered));
  // What a person chose stands, whatever becomes of the engines.
  const voice = voiceOf(known, chosen.value?.id ?? firstId, chosen.value?.name ?? story.voiceName);
  const voiceId = isChoosing && voice.id !== story.voiceId ? voice.id : undefined;
  return (
    <div class="ask">
      <AskFault state={state} />
      {needsVoice && story.voiceId !== undefined && (
        <p class="small">The last voice was {voiceLabel(known, story.voiceId, story.voiceName)}.</p>
      )}
      {areNarratorsAway(engines, story.language) && <NarratorsAway />}
      <div class="ask-row">
        {isChoosing && (
          <VoiceSelect
            offered={offered}
            voice={voice}
            onChoose={(one) => {
              chosen.value = one;
            }}
          />
        )}
        {/* It stays in the tab order while an ask is out, so that focus is not lost; two presses are one ask. */}
        <button
          type="button"
          class={offer.isQuiet ? 'button quiet' : 'button'}
          data-testid={offer.kind === 'request' ? 'narrate' : 'try-again'}
          aria-disabled={isAsking}
          onClick={() => onAsk(offer.kind, { storyId: story.id, voiceId })}
        >
          {isAsking ? 'Asking the narrator' : offer.label}
        </button>
      </div>
    </div>
  );
};
