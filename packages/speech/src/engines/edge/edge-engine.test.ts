import { describe, expect, it } from 'vitest';
import { EDGE_ENDPOINT, edgeVoicesUrl } from './edge-engine.ts';

describe('edgeVoicesUrl', () => {
  it.each([
    ['ws://127.0.0.1:2/readaloud/edge/v1', 'http://127.0.0.1:2/readaloud/voices/list'],
    ['wss://edge.example/a/edge/v1/?key=x', 'https://edge.example/a/voices/list?key=x'],
    ['ws://127.0.0.1:2/edge', undefined],
    ['wss://me:secret@edge.example/edge/v1', undefined],
  ])('%s lists its voices at %s', (endpoint, url) => {
    expect(edgeVoicesUrl(endpoint)).toBe(url);
  });

  it('is that of the service itself without a setting', () => {
    expect(edgeVoicesUrl(EDGE_ENDPOINT)).toBe(
      'https://speech.platform.bing.com/consumer/speech/synthesize/readaloud/voices/list',
    );
  });
});
