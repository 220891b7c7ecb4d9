import { parentPort, workerData } from 'node:worker_threads';
import { reportError, toTalebackError } from '@taleback/core';
import type { FromSpeechThread, ToSpeechThread } from '../thread-protocol.ts';
import { createFliteEngine } from './flite-engine.ts';
import type { WasmModule } from './web-assembly.ts';

/** Entry of a speech thread. `workerData` is the compiled flite module. */
const port = parentPort;
if (port === null) throw new Error('flite-thread runs as a worker thread only');

const engine = createFliteEngine(workerData as WasmModule);

const answer = async ({ correlationId, chunk }: ToSpeechThread): Promise<FromSpeechThread> => {
  try {
    const { sampleRateHz, samples } = await engine.synthesizeChunk(chunk);
    return { type: 'audio', correlationId, sampleRateHz, samples };
  } catch (error) {
    return { type: 'failed', correlationId, error: reportError(toTalebackError(error)) };
  }
};

const reply = async (message: ToSpeechThread): Promise<void> => {
  const said = await answer(message);
  port.postMessage(said, said.type === 'audio' ? [said.samples.buffer] : []);
};

port.on('message', (message: ToSpeechThread) => {
  void reply(message);
});
port.postMessage({ type: 'ready' } satisfies FromSpeechThread);
