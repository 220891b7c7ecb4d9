import { cleanup, fireEvent } from '@testing-library/preact';
import { afterEach, describe, expect, it } from 'vitest';
import { createGate } from './gate.ts';
import { turn } from './turn.ts';
import type { Fields } from '../src/documents/fields.ts';
import { readStory } from '../src/documents/story.ts';
import type { Stage } from './gallery/staged-page.tsx';
import type { AskAnswer, DeletionAnswer } from '../src/live/ask.ts';
import type { SignInAnswer } from '../src/live/feed.ts';
import { FIXTURE_NOW_MS, GUEST, STORY_ID } from './gallery/fixture-documents.ts';
import { AUDIO_URL, alerts, choose, click, find, said, send, show } from './page.tsx';

const status = () => find('audio-status').dataset['status'];

/** An address of one narration, signed on a day of March. */
const address = (day: number) => `https://audio.example/tale.mp3?X-Amz-Date=2026030${day}T090000Z`;
const source = () => find('audio-player').getAttribute('src');
const job = (n: number): Fields => ({ audioJobId: `job_${n}`, audioAttempt: n });
const leased = { audioLeaseExpiresAt: FIXTURE_NOW_MS + 60_000 };

afterEach(cleanup);

describe('signing in', () => {
  it('asks once, and says why it failed', async () => {
    const { feed } = show('welcome');
    const answer = createGate<SignInAnswer>();
    feed.answers.signIn = () => answer.promise;
    await click('sign-in');
    await click('sign-in');
    expect(feed.signIns).toEqual(['guest']);
    await turn(() => answer.open({ kind: 'refused', words: 'Guests are not let in.' }));
    expect(alerts()).toEqual(['You could not be signed in.Guests are not let in.']);
  });

  it('warns a guest before they leave their stories behind', async () => {
    const stage = show('none');
    await click('sign-out');
    expect(document.querySelector('dialog')?.open).toBe(true);
    expect(stage.session.reader.value.kind).toBe('reader');
    await click('sign-out-confirm');
    expect(stage.session.reader.value.kind).toBe('signed-out');
    expect(find('sign-in')).toBeTruthy();
  });
});

describe('asking for a narration', () => {
  it('makes one ask of a double click, and leads focus to the heading when the button goes', async () => {
    const stage = show('none');
    const answer = createGate<AskAnswer>();
    stage.feed.answers.ask = () => answer.promise;
    find('narrate').focus();
    await click('narrate');
    await click('narrate');
    expect(find('narrate').getAttribute('aria-disabled')).toBe('true');
    expect(document.activeElement).toBe(find('narrate'));
    await send(stage, { audioStatus: 'pending', ...job(1), ...leased });
    expect(document.activeElement?.id).toBe('narration-heading');
    await turn(() => answer.open({ kind: 'opened' }));
    expect(stage.feed.asks).toEqual([{ name: 'request', storyId: STORY_ID, voiceId: undefined }]);
    expect(status()).toBe('pending');
  });

  it('sends a voice only when another was chosen', async () => {
    const stage = show('ready');
    await choose('voice-select', 'awb');
    await click('narrate');
    expect(stage.feed.asks).toEqual([{ name: 'request', storyId: STORY_ID, voiceId: 'awb' }]);
  });

  it('tries again with the same voice after a failure that is not about it', async () => {
    const stage = show('failed');
    expect(document.querySelector('[data-testid=voice-select]')).toBeNull();
    await click('try-again');
    expect(stage.feed.asks).toEqual([{ name: 'retry', storyId: STORY_ID, voiceId: undefined }]);
  });

  it('offers another voice after a failure that is about it', async () => {
    const stage = show('failed-voice');
    await choose('voice-select', 'rms');
    await click('try-again');
    expect(stage.feed.asks).toEqual([{ name: 'retry', storyId: STORY_ID, voiceId: 'rms' }]);
  });

  it('says when the next narration is possible, and asks again then', async () => {
    const stage = show('failed');
    const retryAtMs = FIXTURE_NOW_MS + 600_000;
    stage.feed.answers.ask = async () => ({
      kind: 'refused',
      code: 'budget_spent',
      words: 'used up',
      retryAtMs,
    });
    await click('try-again');
    expect(alerts().join()).toContain(
      'You have used up your narrations for now.You can ask for the next one from',
    );
    const times = [...document.querySelectorAll('.ask time')].map((one) => one.getAttribute('datetime'));
    expect(times).toEqual([new Date(retryAtMs).toISOString()]);
    expect([status(), find('try-again').getAttribute('aria-disabled')]).toEqual(['failed', 'false']);
    stage.feed.answers.ask = async () => ({ kind: 'opened' });
    await click('try-again');
    expect(stage.feed.asks).toHaveLength(2);
    expect(alerts().join()).not.toContain('used up');
  });

  it('forgets a refusal when the text is mended', async () => {
    const stage = show('ask-refused');
    await click('narrate');
    expect(alerts()).toHaveLength(1);
    await send(stage, { text: 'A story that is long enough.' });
    expect(alerts()).toEqual([]);
  });
});

describe('watching a narration', () => {
  it('goes from waiting to listening without moving focus', async () => {
    const stage = show('pending');
    find('edit-story').focus();
    const steps: [Fields, string, string | undefined][] = [
      [{ audioStatus: 'processing', audioProgress: 0.2, ...leased }, 'processing', 'The narrator has begun.'],
      [{ audioStatus: 'processing', audioProgress: 0.9, ...leased }, 'processing', 'The narrator has begun.'],
      [{ audioStatus: 'ready', audioUrl: AUDIO_URL }, 'ready', 'The narration is ready.'],
    ];
    for (const [fields, kind, words] of steps) {
      await send(stage, { ...fields, ...job(2) });
      expect(status()).toBe(kind);
      expect(said()).toBe(words);
      expect(document.activeElement).toBe(find('edit-story'));
    }
    expect(find('audio-player').getAttribute('src')).toBe(AUDIO_URL);
  });

  it('keeps the same player while the document changes around it', async () => {
    const stage = show('ready');
    const player = find('audio-player');
    await send(stage, { audioStatus: 'ready', audioUrl: AUDIO_URL, title: 'Renamed', ...job(2) });
    expect(find('audio-player')).toBe(player);
    expect(document.title).toBe('Renamed · Taleback');
  });

  it('announces a failure by an alert and not twice', async () => {
    const stage = show('processing');
    expect(alerts()).toEqual([]);
    await send(stage, { audioStatus: 'failed', audioErrorCode: 'timed_out', ...job(2) });
    expect(alerts()).toEqual(['The narration took too long and was stopped.Try again.']);
    expect(said()).toBe('');
  });

  it('says so when the lease ends in silence, and forgets it when the narrator speaks', async () => {
    const stage = show('processing');
    await turn(() => stage.clock.advance(5 * 60_000));
    expect(status()).toBe('silent');
    expect(said()).toContain('no word from the narrator');
    expect(find('try-again')).toBeTruthy();
    const renewed = { audioLeaseExpiresAt: stage.clock.now() + 60_000 };
    await send(stage, { audioStatus: 'processing', ...job(2), ...renewed });
    expect(status()).toBe('processing');
  });

  it('says that it is offline, keeps what it knew, and recovers', async () => {
    const stage = show('ready');
    await turn(() => {
      stage.isOnline.value = false;
    });
    expect(find('connection').dataset['state']).toBe('offline');
    expect(said()).toContain('no contact with the server');
    expect(find('audio-player')).toBeTruthy();
    await turn(() => {
      stage.isOnline.value = true;
    });
    expect(find('connection').dataset['state']).toBe('live');
    expect(said()).toBe('Connected again.');
  });

  it('says when a narration cannot be loaded', async () => {
    show('ready');
    await turn(() => fireEvent.error(find('audio-player')));
    expect(alerts()).toEqual(['The narration could not be loaded. Check your connection, or download it.']);
  });

  it('asks for another address when one has run out, and goes on from there', async () => {
    const stage = show('none');
    const ready = { audioStatus: 'ready', audioStoragePath: 'tale.mp3', ...job(1) };
    await send(stage, { ...ready, audioUrl: address(1) });
    const player = find('audio-player') as HTMLAudioElement;
    player.currentTime = 42;
    // Another page asked for one: what plays here goes on.
    await send(stage, { ...ready, audioUrl: address(2) });
    expect(source()).toBe(address(1));
    await turn(() => fireEvent.error(player));
    expect([source(), player.currentTime, stage.feed.renewals]).toEqual([address(2), 42, []]);
    stage.feed.answers.renew = () => Promise.resolve(true);
    await turn(() => fireEvent.error(player));
    expect(stage.feed.renewals).toEqual([STORY_ID]);
    expect(alerts()).toEqual([]);
    await send(stage, { ...ready, audioUrl: address(3) });
    expect([source(), find('audio-player') === player]).toEqual([address(3), true]);
    stage.feed.answers.renew = () => Promise.resolve(false);
    await turn(() => fireEvent.error(player));
    expect(alerts()).toHaveLength(1);
    await send(stage, { ...ready, audioUrl: 'https://audio.example/other.mp3' });
    expect([source(), find('audio-player') === player]).toEqual(['https://audio.example/other.mp3', false]);
    expect(alerts()).toEqual([]);
  });
});

describe('opening a story', () => {
  it('shows what the list knows at once, and keeps focus on the heading when the data comes', async () => {
    const stage = show('list');
    await turn(() => stage.go(find('story-item-story-2').getAttribute('href') ?? ''));
    const heading = document.querySelector('h1');
    expect(document.activeElement).toBe(heading);
    expect(find('story-item-story-2').getAttribute('aria-current')).toBe('page');
    await send(stage, { title: 'Come from the server' });
    expect(document.activeElement).toBe(heading);
    expect(heading?.textContent).toBe('Come from the server');
  });

  it('shows markup in a story as text', async () => {
    const stage = show('none');
    await send(stage, { title: '<img src=x onerror=alert(1)>', text: '<script>alert(1)</script>' });
    expect(document.querySelector('h1')?.textContent).toBe('<img src=x onerror=alert(1)>');
    expect(document.querySelector('.prose script, h1 img')).toBeNull();
  });

  it('opens one that was denied as soon as the list contains it, and watches it again', async () => {
    const stage = show('story-denied');
    expect(document.querySelector('h1')?.textContent).toBe('This story is not open to you');
    expect(stage.feed.story.listeners.size).toBe(0);
    stage.feed.story.forget();
    const listed = readStory(STORY_ID, { title: 'A tale', text: 'Once.' });
    await turn(() => stage.feed.stories.send({ from: 'server', value: [listed] }));
    expect(document.querySelector('h1')?.textContent).toBe('A tale');
    expect(find('connection').dataset['state']).toBe('connecting');
    await turn(() => stage.clock.advance(1000));
    await send(stage, { title: 'A tale' });
    expect(find('connection').dataset['state']).toBe('live');
  });

  it.each<[string, (stage: Stage) => void]>([
    ['the reader comes back to the page', ({ wakes }) => (wakes.value += 1)],
    ['a new token comes', ({ feed }) => feed.sendReader({ ...GUEST })],
    ['half a minute has passed', ({ clock }) => clock.advance(30_000)],
  ])('tries one that was denied again when %s', async (_name, happen) => {
    const stage = show('story-denied');
    stage.feed.story.forget();
    await turn(() => {
      happen(stage);
      stage.clock.advance(1000);
    });
    expect(stage.feed.story.listeners.size).toBe(1);
    expect(find('connection').dataset['state']).toBe('denied');
    await send(stage, { title: 'A tale' });
    expect(find('connection').dataset['state']).toBe('live');
  });
});

describe('deleting', () => {
  it('a story asks first, says when it is done, and leads back to the list', async () => {
    const stage = show('ready');
    stage.session.draftOf(STORY_ID).keep({ title: 'A tale', text: 'Not saved.' });
    await click('delete-story');
    expect(document.querySelector<HTMLDialogElement>('.deletion dialog[open]')?.textContent).toContain(
      'cannot be brought back',
    );
    expect(stage.feed.deletions).toEqual([]);
    await click('delete-story-confirm');
    expect(stage.feed.deletions).toEqual([STORY_ID]);
    expect(said()).toBe('The story is deleted.');
    expect(stage.session.route.value.kind).toBe('home');
    expect(stage.session.draftOf(STORY_ID).read()).toBeUndefined();
  });

  it('leads nowhere when another page was opened meanwhile', async () => {
    const stage = show('ready');
    const answer = createGate<DeletionAnswer>();
    stage.feed.answers.delete = () => answer.promise;
    await click('delete-story');
    await click('delete-story-confirm');
    expect(find('delete-story').textContent).toBe('Deleting');
    await turn(() => stage.go('#new'));
    await turn(() => answer.open({ kind: 'deleted' }));
    expect(stage.session.route.value.kind).toBe('new');
  });

  it.each([
    [
      { kind: 'unreached', words: 'internal' },
      'The server did not answer. Delete again when the connection is back.',
    ],
    [
      { kind: 'refused', code: 'request_invalid', words: 'storyId: you have no such story' },
      'storyId: you have no such story',
    ],
  ] as const)('says what went wrong: $0.kind', async (answer, words) => {
    const stage = show('ready');
    stage.feed.answers.delete = () => Promise.resolve(answer);
    await click('delete-story');
    await click('delete-story-confirm');
    expect(alerts()).toEqual([`Not everything could be deleted.${words}`]);
    expect(stage.session.route.value.kind).toBe('story');
  });

  it('everything asks first, and forgets what was not saved', async () => {
    const stage = show('ready');
    stage.session.draftOf().keep({ title: 'A new one', text: 'Not saved.' });
    await click('delete-everything');
    expect(stage.feed.deletions).toEqual([]);
    await click('delete-everything-confirm');
    expect(stage.feed.deletions).toEqual(['everything']);
    expect(said()).toBe('Everything of yours is deleted.');
    expect(stage.session.draftOf().read()).toBeUndefined();
  });
});
