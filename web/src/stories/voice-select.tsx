import { useId } from 'preact/hooks';
import { type Voice, voiceLabel } from './voices.ts';

interface Props {
  readonly voices: readonly Voice[];
  readonly voiceId: string;
  readonly label: string;
  readonly onChoose: (voiceId: string) => void;
}

/** What is said of a voice or a language that nobody can speak at the moment; it may be chosen all the same. */
export const NOT_NOW = ' (not available now)';

const VoiceOption = ({ voice }: { voice: Voice }) => (
  <option value={voice.id}>
    {voice.name}
    {voice.manner !== undefined && `, ${voice.manner}`}
    {!voice.isThere && NOT_NOW}
  </option>
);

/** Chooses a voice, grouped where several engines have some. One that is not offered stands there as it is called. */
export const VoiceSelect = ({ voices, voiceId, label, onChoose }: Props) => {
  const id = useId();
  const isAway = voices.find((voice) => voice.id === voiceId)?.isThere === false;
  const engines = [...new Set(voices.map(({ engine }) => engine))];
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {isAway && (
        <p class="small" id={`${id}-hint`}>
          This voice is not available now.
        </p>
      )}
      <select
        id={id}
        data-testid="voice-select"
        value={voiceId}
        aria-describedby={isAway ? `${id}-hint` : undefined}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {!voices.some((voice) => voice.id === voiceId) && (
          <option value={voiceId}>{voiceLabel(voices, voiceId, undefined)}</option>
        )}
        {engines.length < 2
          ? voices.map((voice) => <VoiceOption key={voice.id} voice={voice} />)
          : engines.map((engine) => (
              <optgroup key={engine} label={engine ?? ''}>
                {voices
                  .filter((voice) => voice.engine === engine)
                  .map((voice) => (
                    <VoiceOption key={voice.id} voice={voice} />
                  ))}
              </optgroup>
            ))}
      </select>
    </div>
  );
};
