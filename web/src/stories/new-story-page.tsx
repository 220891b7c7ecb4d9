import { useSignal } from '@preact/signals';
import { HOME_HREF, storyHref } from '../session/route.ts';
import type { Session } from '../session/session.ts';
import { PageHeading } from '../ui/elements.tsx';
import { LanguageSelect, languageName, VoiceSelect } from './fields.tsx';
import { SAMPLES } from './samples.ts';
import { StoryForm, type Written } from './story-form.tsx';
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

/** Writes a new story, from nothing or from a fable. */
export const NewStoryPage = ({ session, go }: { session: Session; go: (href: string) => void }) => {
  const written = useSignal<Written>({ title: '', text: '' });
  // What a person chose stands, whatever becomes of the engines; a voice is chosen for a language.
  const chosenLanguage = useSignal<string | undefined>(undefined);
  const chosenVoices = useSignal<ReadonlyMap<string, Voice>>(new Map());
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
  const choose = (code: string, one: Voice | undefined): void => {
    chosenLanguage.value = code;
    if (one !== undefined) chosenVoices.value = new Map([...chosenVoices.value, [code, one]]);
  };
  return (
    <>
      <PageHeading>New story</PageHeading>
      <section class="samples" aria-labelledby="samples-heading">
        <h2 id="samples-heading">Begin with a fable</h2>
        <ul>
          {SAMPLES.map((sample) => (
            <li key={sample.slug}>
              <button
                class="chip"
                type="button"
                data-testid={`sample-${sample.slug}`}
                onClick={() => {
                  written.value = { title: sample.title, text: sample.text };
                  session.say(`The form holds ${sample.title}.`);
                }}
              >
                {sample.title}
              </button>
            </li>
          ))}
        </ul>
      </section>
      <StoryForm
        written={written.value}
        language={language}
        languages={languages.map(({ code }) => code)}
        isOffline={session.connection.value === 'offline'}
        onWrite={(next) => {
          written.value = next;
        }}
        onSave={(story) =>
          session.feed.createStory({ ...story, language, voiceId: voice.id, voiceName: voice.name })
        }
        onSaved={(storyId) => go(storyHref(storyId))}
        onCancel={() => go(HOME_HREF)}
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
