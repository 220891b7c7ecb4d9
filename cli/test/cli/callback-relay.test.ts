import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { openCallbackRelay } from '../../src/narrate/callback-relay.node.ts';

it('the relay passes on what workers send, and nothing of web pages', async () => {
  const passed: string[] = [];
  const relay = await openCallbackRelay({
    host: '127.0.0.1',
    port: 0,
    names: ['relay.example'],
    receiverUrl: 'https://receiver.example',
    post: async (url) => {
      passed.push(url);
      return { status: 200, retryAfter: undefined, excerpt: '{"success":true}' };
    },
    onMessage: () => {},
  });
  const send = async (headers: Record<string, string>): Promise<number | undefined> => {
    const sent = request(relay.callbackUrl, { method: 'POST', headers });
    const [answer] = (await once(sent.end('{}'), 'response')) as [IncomingMessage];
    await text(answer);
    return answer.statusCode;
  };
  const type = { 'content-type': 'application/json' };
  try {
    expect(await send({ 'content-type': 'text/plain' })).toBe(415);
    expect(await send({ ...type, origin: 'https://evil.example' })).toBe(403);
    expect(await send({ ...type, host: 'rebound.example' })).toBe(403);
    expect(passed).toEqual([]);
    expect([await send(type), await send({ ...type, host: 'relay.example:443' })]).toEqual([200, 200]);
    expect(passed).toEqual(Array(2).fill('https://receiver.example/api/tts/callback'));
  } finally {
    await relay.close();
  }
});
