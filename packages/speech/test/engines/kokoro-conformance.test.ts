import { openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import { describeSpeechEngine } from './engine-conformance.ts';
import { createKokoroEngine } from '../../src/engines/kokoro/kokoro-engine.ts';
import { openKokoroServer } from './simulators/kokoro-server.ts';

describeSpeechEngine('kokoro', async () => {
  const server = await openKokoroServer({ port: 0 });
  const { http, close } = openSpeechHttp();
  const engine = createKokoroEngine({ baseUrl: server.baseUrl, http });
  await engine.probe(AbortSignal.timeout(30_000));
  return { engine, close: async () => void (await Promise.all([close(), server.close()])) };
});
