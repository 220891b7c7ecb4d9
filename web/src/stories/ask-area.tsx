import { useSignal } from '@preact/signals';
import { describeError } from '@taleback/core';
import type { Engine, Narration, Story } from '../documents/index.ts';
import type { AudioAsk } from '../live/index.ts';
import type { AskState } from '../session/index.ts';
import { AskButton } from './ask-button.tsx';
import { AskFault } from './ask-fault.tsx';
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
