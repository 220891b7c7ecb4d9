import { useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { isSameWords, type StoryWords } from '../documents/story.ts';
import type { SaveAnswer } from '../live/feed.ts';
import { HOME_HREF, storyHref } from '../session/route.ts';
import type { Session } from '../session/session.ts';
import { ConfirmDialog, PageHeading } from '../ui/elements.tsx';
import { LanguageSelect, languageName, VoiceSelect } from './fields.tsx';
import SAMPLES from './samples.json' with { type: 'json' };
import { StoryForm, trimmed } from './story-form.tsx';
import {
  firstLanguage,
  firstVoiceId,
  keepLanguage,
  languagesOf,
  type Voice,
  voiceOf,
  voicesFor,
  voicesOf,
} from './voices.ts';

/** Fables of Aesop, retold from translations in the public domain (G. F. Townsend 1867, V. S. Vernon Jones 1912). */
type Sample = (typeof SAMPLES)[number];

const BLANK: StoryWords = { title: '', text: '' };
const isBlankWords = (words: StoryWords): boolean => isSameWords(trimmed(words), BLANK);

/** Writes a new story, from nothing or from a fable. */
export const NewStoryPage = ({ session, go }: { session: Session; go: (href: string) => void }) => {
  const place = useMemo(() => session.draftOf(), [session]);
  const first = useMemo(() => place.read(), [place]);
  const written = useSignal<StoryWords>({ title: first?.title ?? '', text: first?.text ?? '' });
  const sample = useSignal<Sample | undefined>(undefined);
  const replace = useRef<HTMLDialogElement>(null);
  // What a person chose stands, whatever becomes of the engines; a voice is chosen for a language.
  const chosenLanguage = useSignal(first?.language);
  const chosenVoices = useSignal<ReadonlyMap<string, Pick<Voice, 'id' | 'name'>>>(
    new Map(
      first?.language !== undefined && first.voice !== undefined ? [[first.language, first.voice]] : [],
    ),
  );
  const engines = session.engines.value;
  const spoken = languagesOf(engines);
  const language = chosenLanguage.value ?? firstLanguage(spoken);
  const languages = keepLanguage(spoken, language).toSorted((one, other) =>
    languageName(one.code).localeCompare(languageName(other.code)),
  );
  const known = voicesOf(engines);
  const offered = voicesFor(known, language);
  const chosen = chosenVoices.value.get(language);
  const voice = voiceOf(known, chosen?.id ?? firstVoiceId(offered), chosen?.name);
  const isBlank = isBlankWords(written.value);
  const keep = (words: StoryWords): void => {
    written.value = words;
    if (isBlankWords(words)) place.forget();
    else {
      const code = chosenLanguage.value;
      const one = code === undefined ? undefined : chosenVoices.value.get(code);
      place.keep({ ...words, language: code, voice: one && { id: one.id, name: one.name } });
    }
  };
  const choose = (code: string, one: Voice | undefined): void => {
    chosenLanguage.value = code;
    if (one !== undefined) chosenVoices.value = new Map([...chosenVoices.value, [code, one]]);
    keep(written.value);
  };
  const take = (): void => {
    if (sample.value === undefined) return;
    const { title, text } = sample.value;
    keep({ title, text });
    session.say(`The form holds ${title}.`);
  };
  const save = async (words: StoryWords): Promise<SaveAnswer> => {
    const saved = written.value;
    const answer = await session.feed.createStory({
      ...words,
      language,
      voiceId: voice.id,
      voiceName: voice.name,
    });
    if (answer.kind === 'saved') place.forget(saved);
    return answer;
  };
  return (
    <>
      <PageHeading>New story</PageHeading>
      <section class="samples" aria-labelledby="samples-heading">
        <h2 id="samples-heading">Begin with a fable</h2>
        <ul>
          {SAMPLES.map((one) => (
            <li key={one.slug}>
              <button
                class="chip"
                type="button"
                data-testid={`sample-${one.slug}`}
                onClick={() => {
                  sample.value = one;
                  // A fable that nothing was written into is no loss.
                  if (isBlank || SAMPLES.some((other) => isSameWords(other, written.value))) take();
                  else replace.current?.showModal();
                }}
              >
                {one.title}
              </button>
            </li>
          ))}
        </ul>
        <ConfirmDialog
          dialog={replace}
          heading="Replace what you have written?"
          stay="Keep my writing"
          act="Replace it"
          testId="sample-confirm"
          onAct={take}
        >
          {sample.value?.title} would take the place of your title and your text.
        </ConfirmDialog>
      </section>
      <StoryForm
        written={written.value}
        language={language}
        languages={languages.map(({ code }) => code)}
        isWaiting={session.connection.value === 'offline'}
        draft={isBlank ? 'none' : place.isStored() ? 'kept' : 'in-memory'}
        onWrite={keep}
        onSave={save}
        onSaved={(storyId) => go(storyHref(storyId))}
        onCancel={() => go(HOME_HREF)}
        onDiscard={() => {
          place.forget();
          written.value = BLANK;
        }}
      >
        <div class="field-row">
          <LanguageSelect
            languages={languages}
            language={language}
            onChoose={(code) =>
              choose(
                code,
                voicesFor(known, code).find(({ id }) => id === chosen?.id),
              )
            }
          />
          <VoiceSelect offered={offered} voice={voice} onChoose={(one) => choose(language, one)} />
        </div>
      </StoryForm>
    </>
  );
};
