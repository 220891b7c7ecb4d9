import './styles/index.css';
import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { readBrowser } from './browser.ts';
import { Broken, Unconfigured, Unreached } from './cannot-begin.tsx';
import { type LoadedConfig, loadConfig } from './config/load-config.ts';
import type { Feed, SignInAnswer } from './live/feed.ts';
import { systemClock } from './live/follow.ts';
import { openSession } from './session/session.ts';

/** How long to wait before the configuration is asked for again. */
const RELOAD_CONFIG_MS = 3000;

const root = document.getElementById('app') ?? document.body;
const token = signal<string | undefined>(undefined);
const browser = readBrowser((taken) => {
  token.value = taken;
});

const configured = async (): Promise<Exclude<LoadedConfig, { unreachable: true }>> => {
  for (;;) {
    const loaded = await loadConfig(fetch.bind(globalThis));
    if (!('unreachable' in loaded)) return loaded;
    render(<Unreached />, root);
    await new Promise<void>((resolve) => {
      systemClock.after(RELOAD_CONFIG_MS, resolve);
    });
  }
};

const start = async (): Promise<void> => {
  // Both are needed and neither waits for the other, so the larger download begins first.
  const adapter = import('./live/firebase-feed.ts');
  adapter.catch(() => undefined);
  const loaded = await configured();
  if (!loaded.ok) {
    render(<Unconfigured sentence={loaded.sentence} />, root);
    return;
  }
  let feed: Feed;
  try {
    feed = (await adapter).openFirebaseFeed(loaded.config);
  } catch (fault) {
    render(<Broken words={String(fault)} />, root);
    return;
  }
  const tokenAnswer = signal<SignInAnswer | undefined>(undefined);
  const useToken = async (taken: string): Promise<void> => {
    tokenAnswer.value = await feed.signInWithToken(taken);
  };
  effect(() => {
    if (token.value !== undefined && loaded.config.emulators !== undefined) void useToken(token.value);
  });
  const session = openSession(feed, browser.route, { clock: systemClock, isOnline: browser.isOnline });
  render(<App session={session} tokenAnswer={tokenAnswer} go={browser.go} />, root);
};

void start();
