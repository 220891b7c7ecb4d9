import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Presence, SpokenLanguage, Voice } from './voices.ts';

/** What is added to a voice or a language that cannot be spoken at the moment; it may be chosen all the same. */
const PRESENCE_WORDS: Readonly<Record<Presence, string>> = {
  there: '',
  away: ' (not available now)',
  unknown: ' (not known now)',
};

const VOICE_HINTS: Readonly<Record<Presence, string | undefined>> = {
  there: undefined,
  away: 'This voice is not available now.',
  unknown: 'No narrator is known to have this voice now.',
};

interface TextFieldProps {
  readonly label: string;
  readonly testId: string;
  readonly value: string;
  readonly rows?: number;
  readonly maxLength?: number;
  readonly hint?: string;
  readonly readOnly: boolean;
  readonly fault: string | undefined;
  readonly onWrite: (value: string) => void;
}

/** A labelled field for a line, or for as many rows as are asked for; its fault stands right beneath it. */
export const TextField = ({ label, testId, rows, hint, fault, onWrite, ...rest }: TextFieldProps) => {
  const id = useId();
  const described = [fault === undefined ? '' : `${id}-fault`, hint === undefined ? '' : `${id}-hint`];
  const shared = {
    id,
    ...rest,
    'data-testid': testId,
    'aria-invalid': fault !== undefined,
    'aria-describedby': described.filter(Boolean).join(' ') || undefined,
    onInput: (event: { currentTarget: { value: string } }) => onWrite(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows === undefined ? (
        <input {...shared} type="text" autocomplete="off" />
      ) : (
        <textarea {...shared} rows={rows} />
      )}
      {fault !== undefined && (
        <p class="field-fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
      {hint !== undefined && (
        <p class="small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
};

interface SelectProps {
  readonly label: string;
  readonly testId: string;
  readonly value: string;
  readonly hint?: string | undefined;
  readonly children: ComponentChildren;
  readonly onChoose: (value: string) => void;
}

/** A labelled choice; its hint stands above it. */
const Select = ({ label, testId, value, hint, children, onChoose }: SelectProps) => {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint !== undefined && (
        <p class="small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <select
        id={id}
        data-testid={testId}
        value={value}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {children}
      </select>
    </div>
  );
};

const NAMES = new Intl.DisplayNames('en', { type: 'language' });

export const languageName = (language: string): string => {
  try {
    return NAMES.of(language) ?? language;
  } catch {
    return language;
  }
};

interface LanguageSelectProps {
  readonly languages: readonly SpokenLanguage[];
  readonly language: string;
  readonly onChoose: (language: string) => void;
}

export const LanguageSelect = ({ languages, language, onChoose }: LanguageSelectProps) => (
  <Select label="Language" testId="language-select" value={language} onChoose={onChoose}>
    {languages.map(({ code, presence }) => (
      <option key={code} value={code}>
        {languageName(code)}
        {PRESENCE_WORDS[presence]}
      </option>
    ))}
  </Select>
);

const VoiceOptions = ({ voices }: { voices: readonly Voice[] }) =>
  voices.map(({ id, name, manner, presence }) => (
    <option key={id} value={id}>
      {name}
      {manner !== undefined && `, ${manner}`}
      {PRESENCE_WORDS[presence]}
    </option>
  ));

interface VoiceSelectProps {
  readonly offered: readonly Voice[];
  /** The one that is chosen, which may not be offered any more. */
  readonly voice: Voice;
  readonly onChoose: (voice: Voice) => void;
}

/** Chooses a voice, grouped where several engines have some. The chosen one stays when it is not offered any more. */
export const VoiceSelect = ({ offered, voice, onChoose }: VoiceSelectProps) => {
  const voices = offered.some(({ id }) => id === voice.id) ? offered : [...offered, voice];
  const engines = [...new Set(voices.flatMap(({ engine }) => engine ?? []))];
  const isGrouped = engines.length > 1;
  return (
    <Select
      label="Voice"
      testId="voice-select"
      value={voice.id}
      hint={VOICE_HINTS[voice.presence]}
      onChoose={(id) => {
        const chosen = voices.find((one) => one.id === id);
        if (chosen !== undefined) onChoose(chosen);
      }}
    >
      <VoiceOptions voices={isGrouped ? voices.filter(({ engine }) => engine === undefined) : voices} />
      {isGrouped &&
        engines.map((name) => (
          <optgroup key={name} label={name}>
            <VoiceOptions voices={voices.filter(({ engine }) => engine === name)} />
          </optgroup>
        ))}
    </Select>
  );
};
