import { cleanup } from '@testing-library/preact';
import { afterEach, describe, expect, it } from 'vitest';
import type { SaveAnswer } from '../src/live/feed.ts';
import { createGate } from './gate.ts';
import { STORY_ID } from './gallery/fixture-documents.ts';
import { alerts, choose, click, find, said, send, show, write } from './page.tsx';
import { turn } from './turn.ts';

const value = (id: string) => (find(id) as HTMLInputElement).value;
const count = (id: string) => document.querySelectorAll(`[data-testid="${id}"]`).length;

afterEach(cleanup);

describe('writing', () => {
  it('saves a fable and opens it', async () => {
    const stage = show('new-story');
    await click('sample-wind-and-sun');
    await choose('voice-select', 'rms');
    await click('save-story');
    expect(stage.feed.drafts).toMatchObject([
      { title: 'The North Wind and the Sun', language: 'en', voiceId: 'rms', voiceName: 'Robert' },
    ]);
    expect(stage.session.route.value).toEqual({ kind: 'story', storyId: 'saved-story' });
    expect(document.activeElement?.tagName).toBe('H1');
  });

  it('leads to the first field that is wrong', async () => {
    const stage = show('new-story');
    await write('story-title', 'A tale');
    await click('save-story');
    expect(stage.feed.drafts).toEqual([]);
    expect(document.activeElement).toBe(find('story-text'));
    const described = find('story-text').getAttribute('aria-describedby')?.split(' ') ?? [];
    expect(described.map((id) => document.getElementById(id)?.textContent)).toContain(
      'The story has no text to read.',
    );
  });

  it('asks before a fable replaces what was written', async () => {
    show('new-story');
    await write('story-text', 'Once upon a time.');
    await click('sample-wind-and-sun');
    expect([value('story-title'), value('story-text')]).toEqual(['', 'Once upon a time.']);
    expect(document.querySelector('dialog[open]')?.textContent).toContain('Replace what you have written?');
    await click('sample-confirm');
    expect(value('story-title')).toBe('The North Wind and the Sun');
    await click('sample-fox-and-grapes');
    expect(value('story-title')).toBe('The Fox and the Grapes');
    await write('story-title', 'The Fox and I');
    await click('sample-wind-and-sun');
    expect(value('story-title')).toBe('The Fox and I');
  });

  it('keeps a new story with its voice until it is saved or discarded', async () => {
    const stage = show('new-story');
    await write('story-title', 'A tale');
    await choose('voice-select', 'rms');
    await click('cancel');
    expect(stage.session.route.value).toEqual({ kind: 'home' });
    await turn(() => stage.go('#new'));
    expect([value('story-title'), value('voice-select')]).toEqual(['A tale', 'rms']);
    await click('discard');
    await click('discard-confirm');
    expect([value('story-title'), count('discard')]).toEqual(['', 0]);
    await write('story-title', 'A tale');
    await write('story-text', 'Once upon a time.');
    await click('save-story');
    await turn(() => stage.go('#new'));
    expect(value('story-title')).toBe('');
  });

  it('stays with a person who has gone on while a story was being saved', async () => {
    const stage = show('new-story');
    const answer = createGate<SaveAnswer>();
    stage.feed.answers.save = () => answer.promise;
    await write('story-title', 'A tale');
    await write('story-text', 'Once upon a time.');
    await click('save-story');
    expect((find('story-text') as HTMLTextAreaElement).readOnly).toBe(true);
    await turn(() => stage.go('#'));
    await turn(() => stage.go('#new'));
    await write('story-text', 'Another time.');
    await turn(() => answer.open({ kind: 'saved', storyId: 'saved-story' }));
    expect(stage.session.route.value).toEqual({ kind: 'new' });
    expect(stage.session.draftOf().read()?.text).toBe('Another time.');
  });

  it('keeps an edit when it is cancelled, and says so', async () => {
    const stage = show('ready');
    await click('edit-story');
    await write('story-title', 'Mine');
    await click('cancel');
    expect(document.activeElement).toBe(find('edit-story'));
    expect([count('draft-note'), find('edit-story').textContent]).toEqual([1, 'Continue editing']);
    await turn(() => stage.go('#'));
    await turn(() => stage.go(`#story=${STORY_ID}`));
    await click('edit-story');
    expect(value('story-title')).toBe('Mine');
    await click('discard');
    await click('discard-confirm');
    expect([count('draft-note'), find('edit-story').textContent]).toEqual([0, 'Edit']);
  });

  it.each<[string, SaveAnswer, string]>([
    ['refuses', { kind: 'refused', words: 'no' }, 'The story could not be saved.no'],
    [
      'does not answer',
      { kind: 'unreached' },
      'The story could not be saved.The server cannot be reached. Try again in a moment.',
    ],
  ])('keeps an edit when the server %s', async (_name, answer, words) => {
    const { feed } = show('ready');
    await click('edit-story');
    expect(document.activeElement).toBe(find('story-title'));
    await write('story-title', 'Mine');
    feed.answers.edit = () => Promise.resolve(answer);
    await click('save-story');
    expect(alerts()).toEqual([words]);
    feed.answers.edit = () => Promise.resolve({ kind: 'saved', storyId: STORY_ID });
    await click('save-story');
    expect(feed.edits.map(({ title }) => title)).toEqual(['Mine', 'Mine']);
    expect([document.activeElement, count('draft-note')]).toEqual([find('edit-story'), 0]);
  });

  it('shows both texts when the story changes beneath an edit, and overwrites it only when asked', async () => {
    const stage = show('none');
    await send(stage, {});
    await click('edit-story');
    await write('story-text', 'Mine.');
    await send(stage, { text: 'Theirs.', audioStatus: 'pending' });
    expect(value('story-text')).toBe('Mine.');
    expect(find('conflict').textContent).toContain('Theirs.');
    expect(said()).toBe('The story was changed somewhere else.');
    expect(alerts()).toEqual([]);
    const saved = { title: 'A tale', text: 'Theirs, again.' };
    stage.feed.answers.edit = () => Promise.resolve({ kind: 'conflict', saved });
    await click('save-story');
    expect(alerts()).toHaveLength(1);
    expect(find('conflict').textContent).toContain('Theirs, again.');
    stage.feed.answers.edit = () => Promise.resolve({ kind: 'saved', storyId: STORY_ID });
    await click('keep-mine');
    expect(stage.feed.edits).toMatchObject([
      { text: 'Mine.', read: { text: 'Once.' } },
      { text: 'Mine.', read: saved },
    ]);
    expect([count('conflict'), document.activeElement]).toEqual([0, find('edit-story')]);
  });

  it('takes the saved story when the own writing is discarded', async () => {
    const stage = show('none');
    await send(stage, {});
    await click('edit-story');
    await write('story-text', 'Mine.');
    await send(stage, { text: 'Theirs.' });
    await click('take-saved');
    expect(value('story-text')).toBe('Mine.');
    await click('discard-confirm');
    expect(document.querySelector('.prose')?.textContent).toBe('Theirs.');
    expect([stage.feed.edits, count('draft-note')]).toEqual([[], 0]);
  });

  it('sees no conflict in what it saved, nor in a narration that goes on', async () => {
    const stage = show('none');
    await send(stage, {});
    await click('edit-story');
    await write('story-text', 'Mine. ');
    await send(stage, { audioStatus: 'processing', audioProgress: 0.5 });
    await send(stage, { text: 'Mine.' });
    expect(count('conflict')).toBe(0);
  });
});
