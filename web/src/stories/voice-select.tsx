import { useId } from 'preact/hooks';
import { findVoice, VOICES } from './voices.ts';

interface Props {
  readonly voiceId: string;
  readonly label: string;
  readonly onChoose: (voiceId: string) => void;
}

/** Chooses a voice. One that we do not know stands in the list as it is called. */
export const VoiceSelect = ({ voiceId, label, onChoose }: Props) => {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        data-testid="voice-select"
        value={voiceId}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {findVoice(voiceId) === undefined && <option value={voiceId}>{voiceId}</option>}
        {VOICES.map((voice) => (
          <option key={voice.id} value={voice.id}>
            {voice.name}, {voice.manner}
          </option>
        ))}
      </select>
    </div>
  );
};
