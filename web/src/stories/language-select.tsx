import { useId } from 'preact/hooks';
import { PRESENCE_WORDS } from './voice-select.tsx';
import type { SpokenLanguage } from './voices.ts';

interface Props {
  readonly languages: readonly SpokenLanguage[];
  readonly language: string;
  readonly onChoose: (language: string) => void;
}

const NAMES = new Intl.DisplayNames('en', { type: 'language' });

export const languageName = (language: string): string => {
  try {
    return NAMES.of(language) ?? language;
  } catch {
    return language;
  }
};

export const LanguageSelect = ({ languages, language, onChoose }: Props) => {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Language</label>
      <select
        id={id}
        data-testid="language-select"
        value={language}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {languages.map(({ code, presence }) => (
          <option key={code} value={code}>
            {languageName(code)}
            {PRESENCE_WORDS[presence]}
          </option>
        ))}
      </select>
    </div>
  );
};
