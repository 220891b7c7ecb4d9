import { useId } from 'preact/hooks';
import type { Presence, Voice } from './voices.ts';

interface Props {
  readonly offered: readonly Voice[];
  /** The one that is chosen, which may not be offered any more. */
  readonly voice: Voice;
  readonly label: string;
  readonly onChoose: (voice: Voice) => void;
}

/** What is added to a voice or a language that nobody may speak at the moment; it may be chosen all the same. */
export const PRESENCE_WORDS: Readonly<Record<Presence, string>> = {
  there: '',
  away: ' (not available now)',
  unknown: ' (not known now)',
};

const HINTS: Readonly<Record<Presence, string>> = {
  there: '',
  away: 'This voice is not available now.',
  unknown: 'No narrator is known to have this voice now.',
};

const VoiceOption = ({ voice }: { voice: Voice }) => (
  <option value={voice.id}>
    {voice.name}
    {voice.manner !== undefined && `, ${voice.manner}`}
    {PRESENCE_WORDS[voice.presence]}
  </option>
);

const Options = ({ voices }: { voices: readonly Voice[] }) =>
  voices.map((one) => <VoiceOption key={one.id} voice={one} />);

/** Chooses a voice, grouped where several engines have some. The chosen one stays when it is not offered any more. */
export const VoiceSelect = ({ offered, voice, label, onChoose }: Props) => {
  const id = useId();
  const hint = HINTS[voice.presence];
  const voices = offered.some((one) => one.id === voice.id) ? offered : [...offered, voice];
  const engines = [...new Set(voices.flatMap(({ engine }) => engine ?? []))];
  const isGrouped = engines.length > 1;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint !== '' && (
        <p class="small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <select
        id={id}
        data-testid="voice-select"
        value={voice.id}
        aria-describedby={hint === '' ? undefined : `${id}-hint`}
        onChange={(event) => {
          const chosen = voices.find((one) => one.id === event.currentTarget.value);
          if (chosen !== undefined) onChoose(chosen);
        }}
      >
        <Options voices={isGrouped ? voices.filter(({ engine }) => engine === undefined) : voices} />
        {isGrouped &&
          engines.map((name) => (
            <optgroup key={name} label={name}>
              <Options voices={voices.filter(({ engine }) => engine === name)} />
            </optgroup>
          ))}
      </select>
    </div>
  );
};
