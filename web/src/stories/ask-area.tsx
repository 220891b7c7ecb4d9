import { describeError } from '@taleback/core';
import type { AskState } from '../session/asking.ts';
import { FailureNotice } from '../ui/elements.tsx';
import { useSignal } from '@preact/signals';
import type { Engine } from '../documents/engine.ts';
import type { Narration } from '../documents/narration.ts';
import type { Story } from '../documents/story.ts';
import type { AudioAsk } from '../live/feed.ts';
import { NarratorsAway } from './narrators-away.tsx';
import { VoiceSelect } from './voice-select.tsx';
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

/** Says why an ask was not taken. */
export const AskFault = ({ state }: { state: AskState }) => {
  switch (state.kind) {
    case 'refused': {
      const { sentence, nextStep } = describeError(state.code);
      return (
        <FailureNotice>
          <p class="failure-sentence">{sentence}</p>
          <p>{nextStep}</p>
          {state.code === 'unknown' && <p class="small">{state.words}</p>}
        </FailureNotice>
      );
    }
    case 'unreached':
      return (
        <FailureNotice>
          <p class="failure-sentence">The request did not get through.</p>
          <p>Check your connection, then try again. Asking twice does no harm.</p>
        </FailureNotice>
      );
    case 'idle':
    case 'asking':
      return null;
    default:
      return state satisfies never;
  }
};

interface Props {
  readonly kind: 'narrate' | 'try-again';
  readonly label: string;
  readonly isQuiet?: boolean;
  readonly state: AskState;
  readonly onAsk: () => void;
}

/**
 * Asks for a narration. It stays in the tab order while an ask is out, so that focus is not lost; the
 * session merges two presses.
 */
export const AskButton = ({ kind, label, isQuiet = false, state, onAsk }: Props) => {
  const isAsking = state.kind === 'asking';
  return (
    <button
      type="button"
      class={isQuiet ? 'button quiet' : 'button'}
      data-testid={kind}
      aria-disabled={isAsking}
      onClick={onAsk}
    >
      {isAsking ? 'Asking the narrator' : label}
    </button>
  );
};

export interface AskAreaProps {
  readonly story: Story;
  readonly narration: Narration;
  readonly engines: readonly Engine[];
  readonly state: AskState;
  readonly onAsk: (kind: 'request' | 'retry', ask: AudioAsk) => void;
}

type Offer = { readonly kind: 'request' | 'retry'; readonly label: string; readonly isQuiet: boolean };

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

  const needsVoice = isAboutVoice(narration, state);
  const isChoosing = needsVoice || offer.kind === 'request';
  const known = voicesOf(engines);
  const offered = voicesFor(known, story.language);
  const firstId = needsVoice
    ? otherVoiceId(offered, story.voiceId)
    : (story.voiceId ?? firstVoiceId(offered));
  // What a person chose stands, whatever becomes of the engines.
  const voice = voiceOf(known, chosen.value?.id ?? firstId, chosen.value?.name ?? story.voiceName);
  const ask = (): void =>
    onAsk(offer.kind, {
      storyId: story.id,
      voiceId: isChoosing && voice.id !== story.voiceId ? voice.id : undefined,
    });
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
            label="Voice"
            offered={offered}
            voice={voice}
            onChoose={(one) => {
              chosen.value = one;
            }}
          />
        )}
        <AskButton
          kind={offer.kind === 'request' ? 'narrate' : 'try-again'}
          label={offer.label}
          isQuiet={offer.isQuiet}
          state={state}
          onAsk={ask}
        />
      </div>
    </div>
  );
};
