import { useSignal } from '@preact/signals';
import { HOME_HREF, type Session, storyHref } from '../session/index.ts';
import { PageHeading } from '../ui/index.ts';
import { LANGUAGES } from './draft.ts';
import { LanguageSelect, languageName } from './language-select.tsx';
import { SAMPLES } from './samples.ts';
import { StoryForm, type Written } from './story-form.tsx';
import { VoiceSelect } from './voice-select.tsx';
import { firstVoiceId, languagesOf, voiceLabel, voicesFor, voicesOf } from './voices.ts';

/** Writes a new story, from nothing or from a fable. */
export const NewStoryPage = ({ session, go }: { session: Session; go: (href: string) => void }) => {
  const written = useSignal<Written>({ title: '', text: '' });
  const chosenLanguage = useSignal(LANGUAGES[0] ?? 'en');
  const chosenVoiceId = useSignal<string | undefined>(undefined);
  const engines = session.engines.value;
  const languages = languagesOf(engines).toSorted((one, other) =>
    languageName(one.code).localeCompare(languageName(other.code)),
  );
  const codes = languages.map(({ code }) => code);
  const language = codes.includes(chosenLanguage.value) ? chosenLanguage.value : (codes[0] ?? 'en');
  const voices = voicesFor(voicesOf(engines), language);
  // A choice that the language or the engines have overtaken gives way to one that holds.
  const voiceId = voices.find(({ id }) => id === chosenVoiceId.value)?.id ?? firstVoiceId(voices);
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
        languages={codes}
        isOffline={session.connection.value === 'offline'}
        onWrite={(next) => {
          written.value = next;
        }}
        onSave={(story) =>
          session.feed.createStory({
            ...story,
            language,
            voiceId,
            voiceName: voiceLabel(voices, voiceId, undefined),
          })
        }
        onSaved={(storyId) => go(storyHref(storyId))}
        onCancel={() => go(HOME_HREF)}
      >
        <div class="field-row">
          <LanguageSelect
            languages={languages}
            language={language}
            onChoose={(code) => {
              chosenLanguage.value = code;
            }}
          />
          <VoiceSelect
            label="Voice"
            voices={voices}
            voiceId={voiceId}
            onChoose={(id) => {
              chosenVoiceId.value = id;
            }}
          />
        </div>
      </StoryForm>
    </>
  );
};
