import { signal } from '@preact/signals';
import { cleanup, fireEvent, render } from '@testing-library/preact';
import { afterEach, describe, expect, it } from 'vitest';
import { turn } from '../test/turn.ts';
import { App } from './app.tsx';
import { type Engine, readEngine } from './documents/index.ts';
import { type Stage, stageFixture } from './gallery/stage.ts';
import { FIXTURE_NOW_MS, MINUTE_MS, STORY_ID } from './stories/fixture-documents.ts';
import { createFixtures } from './stories/fixtures.ts';

const fixtures = createFixtures('https://audio.test/story.mp3');

const show = (name: string): Stage => {
  const fixture = fixtures.find((one) => one.name === name);
  if (fixture === undefined) throw new Error(`no fixture is called ${name}`);
  const stage = stageFixture(fixture);
  render(<App session={stage.session} tokenAnswer={signal(undefined)} go={stage.go} />);
  return stage;
};

const find = (id: string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(`[data-testid="${id}"]`);
  if (found === null) throw new Error(`there is no ${id}`);
  return found;
};
const isThere = (id: string): boolean => document.querySelector(`[data-testid="${id}"]`) !== null;
const click = (id: string) => turn(() => fireEvent.click(find(id)));
const choose = (id: string, value: string) => turn(() => fireEvent.change(find(id), { target: { value } }));
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
const tell = (stage: Stage, ...engines: readonly Engine[]) =>
  turn(() => stage.feed.engines.tell({ from: 'server', value: engines }));

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

  it('keep what was chosen while engines come, change and are forgotten', async () => {
    const stage = show('none');
    await choose('voice-select', 'rms');
    find('voice-select').focus();
    await tell(stage, engine('ready', FIXTURE_NOW_MS + MINUTE_MS));
    expect(labels(voices())).toEqual(['SLT', 'RMS']);
    expect(voices().value).toBe('rms');
    await tell(stage, engine('unavailable', FIXTURE_NOW_MS + MINUTE_MS));
    expect(labels(voices())).toEqual(['SLT (not available now)', 'RMS (not available now)']);
    expect(isThere('narrators-away')).toBe(true);
    await turn(() => stage.clock.advance(MINUTE_MS));
    expect(isThere('narrators-away')).toBe(false);
    expect(labels(voices())).toContain('Robert, American');
    expect(voices().value).toBe('rms');
    expect(document.activeElement).toBe(find('voice-select'));
  });
});

describe('narrators that are away', () => {
  it('are told of quietly, and asking is allowed', async () => {
    const stage = show('narrators-away');
    expect(document.querySelectorAll('[role=alert]')).toHaveLength(0);
    expect(find('narrators-away').querySelector('svg')).not.toBeNull();
    expect(find('narrate').getAttribute('aria-disabled')).not.toBe('true');
    await click('narrate');
    expect(stage.feed.asks).toHaveLength(1);
  });

  it('are nothing to tell of while a narration is under way', async () => {
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
    await turn(() => fireEvent.input(find('story-title'), { target: { value: 'Une histoire' } }));
    await turn(() => fireEvent.input(find('story-text'), { target: { value: 'Il était une fois.' } }));
    await click('save-story');
    expect(stage.feed.drafts).toMatchObject([{ language: 'fr', voiceId: 'ff_siwis', voiceName: 'Siwis' }]);
  });

  it('gives up a language and a voice that the engines have overtaken', async () => {
    const stage = show('new-story');
    await choose('voice-select', 'kal16');
    await tell(stage, engine('ready', FIXTURE_NOW_MS + MINUTE_MS, ['x']));
    expect(voices().value).toBe('x');
    expect(select('language-select').value).toBe('en');
  });
});

describe('who is not signed in', () => {
  it('watches no engines', async () => {
    const stage = show('voices-of-engines');
    expect(stage.feed.engines.listeners.size).toBe(1);
    await turn(() => stage.feed.tellReader(undefined));
    expect(stage.feed.engines.listeners.size).toBe(0);
    expect(stage.session.engines.value).toEqual([]);
  });
});
