import { openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import { createChatterboxEngine } from '../../src/engines/chatterbox/chatterbox-engine.ts';
import { describeSpeechEngine } from './engine-conformance.ts';
import { openChatterboxServer } from './simulators/chatterbox-server.ts';

describeSpeechEngine('chatterbox', async () => {
  const server = await openChatterboxServer({ port: 0 });
  const { http, close } = openSpeechHttp();
  const engine = createChatterboxEngine({ baseUrl: server.baseUrl, http });
  await engine.probe(AbortSignal.timeout(30_000));
  return { engine, close: async () => void (await Promise.all([close(), server.close()])) };
});
