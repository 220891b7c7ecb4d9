import { useId } from 'preact/hooks';
import { LANGUAGES } from './draft.ts';

interface Props {
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

export const LanguageSelect = ({ language, onChoose }: Props) => {
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
        {LANGUAGES.map((code) => (
          <option key={code} value={code}>
            {languageName(code)}
          </option>
        ))}
      </select>
    </div>
  );
};
