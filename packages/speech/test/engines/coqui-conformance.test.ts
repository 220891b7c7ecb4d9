import { openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import { createCoquiEngine } from '../../src/engines/coqui/coqui-engine.ts';
import { describeSpeechEngine } from './engine-conformance.ts';
import { type CoquiServerOptions, openCoquiServer } from './simulators/coqui-server.ts';

const open = async (options: Omit<CoquiServerOptions, 'port'>) => {
  const server = await openCoquiServer({ port: 0, ...options });
  const { http, close } = openSpeechHttp();
  const engine = createCoquiEngine({ baseUrl: server.baseUrl, http });
  await engine.probe(AbortSignal.timeout(30_000));
  return { engine, close: async () => void (await Promise.all([close(), server.close()])) };
};

describeSpeechEngine("coqui, the original's model of many voices", () =>
  open({ kind: 'original', speakers: ['ED\n', 'p225', 'p226'] }),
);

describeSpeechEngine("coqui, the fork's model of many languages", () =>
  open({ kind: 'fork', speakers: ['Claribel Dervla', "Zofija O'Kend"], languages: ['en', 'es', 'zh-cn'] }),
);
