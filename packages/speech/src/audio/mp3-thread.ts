import { parentPort } from 'node:worker_threads';
import type { ToMp3Thread } from './mp3-protocol.ts';
import { Mp3Streams } from './mp3-streams.ts';

/** Entry of the MP3 thread. */
const port = parentPort;
if (port === null) throw new Error('mp3-thread runs as a worker thread only');

const streams = new Mp3Streams();
const reply = async (message: ToMp3Thread): Promise<void> => {
  const answer = await streams.apply(message);
  if (answer !== undefined) port.postMessage(answer, answer.type === 'encoded' ? [answer.bytes.buffer] : []);
};

port.on('message', (message: ToMp3Thread) => {
  void reply(message);
});
