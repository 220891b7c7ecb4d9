import { ttsJobEvent } from '@taleback/core';
import { jobOfUrl } from '@taleback/core/signatures';
import { describe, expect, it } from 'vitest';
import { runpodOrder } from './dispatch.ts';

const SECRET = 'the secret of addresses';
const orderFor = (callbackUrl: string) =>
  runpodOrder(
    ttsJobEvent({
      jobId: 'j1',
      attempt: 1,
      storyId: 's1',
      userId: 'u1',
      text: 'A tale.',
      voiceId: 'v',
      voiceName: undefined,
      title: undefined,
      language: 'en',
      storyType: 'user',
      callbackUrl,
    }),
    {
      webhookUrl: 'https://tales.example/api/tts/runpod-webhook',
      urlSecret: SECRET,
      executionTimeoutMs: 600_000,
      ttlMs: 3_600_000,
    },
  );
const callbackOf = (order: ReturnType<typeof orderFor>): string =>
  (order.input['metadata'] as { readonly callback_url: string }).callback_url;

describe('runpodOrder', () => {
  it('names the job in both addresses, and in the metadata', () => {
    const order = orderFor('https://tales.example/api/tts/callback');
    for (const url of [order.webhook, callbackOf(order)])
      expect(jobOfUrl(url, [SECRET], 's1')).toEqual({ kind: 'verified', jobId: 'j1' });
    expect(new URL(order.webhook).searchParams.get('story')).toBe('s1');
    expect(order.input['metadata']).toMatchObject({ job_id: 'j1', story_id: 's1' });
    expect(order.policy).toEqual({ executionTimeout: 600_000, ttl: 3_600_000 });
  });

  it.each(['https://elsewhere.example/api/tts/callback', 'https://tales.example:8443/hook', 'no address'])(
    'tells no token to %s',
    (url) => {
      expect(callbackOf(orderFor(url))).toBe(url);
    },
  );
});
