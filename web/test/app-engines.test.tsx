import { cleanup, fireEvent } from '@testing-library/preact';
import { afterEach, describe, expect, it } from 'vitest';
import { turn } from './turn.ts';
import { type Engine, readEngine } from '../src/documents/engine.ts';
import type { Stage } from './gallery/staged-page.tsx';
import { FIXTURE_NOW_MS, MINUTE_MS, STORY_ID } from './gallery/fixture-documents.ts';
import { choose, click, find, show } from './page.tsx';

const isThere = (id: string): boolean => document.querySelector(`[data-testid="${id}"]`) !== null;
const write = async (title: string, text: string): Promise<void> => {
  await turn(() => fireEvent.input(find('story-title'), { target: { value: title } }));
  await turn(() => fireEvent.input(find('story-text'), { target: { value: text } }));
};
const select = (id: string) => find(id) as HTMLSelectElement;
const voices = () => select('voice-select');
const labels = ({ options }: HTMLSelectElement) => [...options].map(({ text }) => text);

const engine = (state: string, expiresAtMs: number, ids: readonly string[] = ['slt', 'rms']): Engine =>
  readEngine('flite', {
    state,
    languages: ['en'],
    voices: ids.map((id) => ({ id, name: id.toUpperCase() })),
    expiresAt: expiresAtMs,
  });
const FRENCH: Engine = readEngine('french', {
  state: 'ready',
  voices: [{ id: 'ff', name: 'Fleur', languages: ['fr'] }],
  expiresAt: FIXTURE_NOW_MS + MINUTE_MS,
});
const POLYGLOT: Engine = readEngine('polyglot', {
  state: 'ready',
  voices: [
    { id: 'ff', name: 'Fleur', languages: ['fr'] },
    { id: 'poly', name: 'Polly', languages: ['en', 'fr'] },
  ],
  expiresAt: FIXTURE_NOW_MS + MINUTE_MS,
});
const tell = (stage: Stage, ...engines: readonly Engine[]) =>
  turn(() => stage.feed.engines.send({ from: 'server', value: engines }));

afterEach(cleanup);

describe('the voices on offer', () => {
  it('stand in groups where several engines have some that speak the language', () => {
    show('voices-of-engines');
    const groups = [...voices().querySelectorAll('optgroup')].map(({ label, children }) => [
      label,
      children.length,
    ]);
    expect(groups).toEqual([
      ['flite', 3],
      ['kokoro', 2],
    ]);
    expect(voices().value).toBe('slt');
  });

  it('may be chosen while they are not available, and say so in words', async () => {
    const stage = show('voices-partly-away');
    expect(voices().value).toBe('af_heart');
    expect(labels(voices())).toContain('George, British (not available now)');
    await choose('voice-select', 'bm_george');
    const hint = document.getElementById(voices().getAttribute('aria-describedby') ?? '');
    expect(hint?.textContent).toBe('This voice is not available now.');
    await click('narrate');
    expect(stage.feed.asks).toEqual([{ name: 'request', storyId: STORY_ID, voiceId: 'bm_george' }]);
  });

  it('after a failure that is about the voice begin with one that is there and speaks the language', async () => {
    const stage = show('failed-voice-engines');
    expect(labels(voices())).toEqual(['Siwis']);
    await click('try-again');
    expect(stage.feed.asks).toEqual([{ name: 'retry', storyId: STORY_ID, voiceId: 'ff_siwis' }]);
  });

  it('keep what was chosen while engines come, change and fall silent', async () => {
    const stage = show('none');
    await choose('voice-select', 'rms');
    find('voice-select').focus();
    await tell(stage, engine('ready', FIXTURE_NOW_MS + MINUTE_MS));
    expect(labels(voices())).toEqual(['SLT', 'RMS']);
    expect(voices().value).toBe('rms');
    expect(isThere('narrators-away')).toBe(false);
    await turn(() => stage.clock.advance(MINUTE_MS));
    expect(labels(voices())).toEqual(['SLT (not available now)', 'RMS (not available now)']);
    expect(isThere('narrators-away')).toBe(true);
    expect(voices().value).toBe('rms');
    await tell(stage, engine('ready', stage.clock.now() + MINUTE_MS));
    expect(labels(voices())).toEqual(['SLT', 'RMS']);
    await tell(stage);
    expect(labels(voices())).toContain('Robert, American');
    expect(voices().value).toBe('rms');
    expect(document.activeElement).toBe(find('voice-select'));
  });

  it('keep what was chosen, by its name and marked, when no one offers it any more', async () => {
    const stage = show('voices-of-engines');
    await choose('voice-select', 'bm_george');
    await tell(stage, engine('ready', FIXTURE_NOW_MS + MINUTE_MS));
    expect(labels(voices())).toEqual(['SLT', 'RMS', 'George (not known now)']);
    expect(voices().value).toBe('bm_george');
    await click('narrate');
    expect(stage.feed.asks).toEqual([{ name: 'request', storyId: STORY_ID, voiceId: 'bm_george' }]);
  });

  it('hold the voice chosen in place of one that failed, when no one offers it any more', async () => {
    const stage = show('failed-voice');
    await choose('voice-select', 'kal16');
    await tell(stage, engine('ready', FIXTURE_NOW_MS + MINUTE_MS));
    expect(labels(voices())).toEqual(['SLT', 'RMS', 'Kal (not known now)']);
    await click('try-again');
    expect(stage.feed.asks).toEqual([{ name: 'retry', storyId: STORY_ID, voiceId: 'kal16' }]);
  });

  it('mark a voice of the story that no one reports, outside the groups, and say so in words', () => {
    show('voice-not-known');
    expect(voices().value).toBe('old-nora');
    expect(voices().firstElementChild?.textContent).toBe('Nora (not known now)');
    const hint = document.getElementById(voices().getAttribute('aria-describedby') ?? '');
    expect(hint?.textContent).toBe('No narrator is known to have this voice now.');
  });
});

describe('narrators that are away', () => {
  it('are announced quietly, and asking is allowed', async () => {
    const stage = show('narrators-away');
    expect(document.querySelectorAll('[role=alert]')).toHaveLength(0);
    expect(find('narrators-away').querySelector('svg')).not.toBeNull();
    expect(find('narrate').getAttribute('aria-disabled')).not.toBe('true');
    await click('narrate');
    expect(stage.feed.asks).toHaveLength(1);
  });

  it('are not announced while a narration is under way', async () => {
    const stage = show('processing');
    await tell(stage, engine('unavailable', FIXTURE_NOW_MS + MINUTE_MS));
    expect(isThere('narrators-away')).toBe(false);
  });
});

describe('a new story', () => {
  it('is offered the languages of the engines, and the voices that speak the one chosen', async () => {
    const stage = show('new-story-engines');
    expect(labels(select('language-select'))).toEqual([
      'English',
      'French (not available now)',
      'Japanese (not available now)',
    ]);
    await choose('voice-select', 'rms');
    await choose('language-select', 'fr');
    expect(labels(voices())).toEqual(['Siwis (not available now)']);
    await write('Une histoire', 'Il était une fois un corbeau.');
    await click('save-story');
    expect(stage.feed.drafts).toMatchObject([{ language: 'fr', voiceId: 'ff_siwis', voiceName: 'Siwis' }]);
  });

  it('keeps a voice and its language when the engines that had them are forgotten', async () => {
    const stage = show('new-story-engines');
    await choose('language-select', 'fr');
    await choose('voice-select', 'ff_siwis');
    await tell(stage, engine('ready', FIXTURE_NOW_MS + MINUTE_MS, ['x']));
    expect(labels(select('language-select'))).toEqual(['English', 'French (not known now)']);
    expect(select('language-select').value).toBe('fr');
    expect(labels(voices())).toEqual(['X', 'Siwis (not known now)']);
    expect(voices().value).toBe('ff_siwis');
    await write('Une histoire', 'Il était une fois un corbeau.');
    await click('save-story');
    expect(stage.feed.drafts).toMatchObject([{ language: 'fr', voiceId: 'ff_siwis', voiceName: 'Siwis' }]);
  });

  it('keeps the language that a voice was chosen for, though no one touched the language', async () => {
    const stage = show('new-story');
    await choose('voice-select', 'kal16');
    await tell(stage, FRENCH);
    expect(select('language-select').value).toBe('en');
    expect(voices().value).toBe('kal16');
    expect(labels(voices())).toEqual(['Fleur', 'Kal (not known now)']);
  });

  it('follows the engines in what no one has chosen', async () => {
    const stage = show('new-story');
    await tell(stage, FRENCH);
    expect(labels(select('language-select'))).toEqual(['French']);
    expect(voices().value).toBe('ff');
  });

  it('remembers the voice of each language, and takes along one that speaks the next', async () => {
    const stage = show('new-story');
    await tell(stage, engine('ready', FIXTURE_NOW_MS + MINUTE_MS), POLYGLOT);
    await choose('voice-select', 'rms');
    await choose('language-select', 'fr');
    expect(voices().value).toBe('ff');
    await choose('language-select', 'en');
    expect(voices().value).toBe('rms');
    await choose('voice-select', 'poly');
    await choose('language-select', 'fr');
    expect(voices().value).toBe('poly');
  });

  it('is offered what an engine has whose word has expired, as away', async () => {
    const stage = show('new-story');
    await tell(stage, engine('ready', FIXTURE_NOW_MS + MINUTE_MS));
    await turn(() => stage.clock.advance(MINUTE_MS));
    expect(labels(select('language-select'))).toEqual(['English (not available now)']);
    expect(labels(voices())).toEqual(['SLT (not available now)', 'RMS (not available now)']);
  });
});

describe('who is not signed in', () => {
  it('watches no engines', async () => {
    const stage = show('voices-of-engines');
    expect(stage.feed.engines.listeners.size).toBe(1);
    await turn(() => stage.feed.sendReader(undefined));
    expect(stage.feed.engines.listeners.size).toBe(0);
    expect(stage.session.engines.value).toEqual([]);
  });
});
