import { openSoundFiles } from '../../src/protocol/sound-files.node.ts';
import { processChild } from '../../src/engines/hosted-plugins.node.ts';
import type { SpeechChild } from '../../src/pool/speech-child.ts';
import type { ProtocolVersion } from '../../src/protocol/protocol.ts';
import { STAGED_CHILD_ARGS } from './own-child.ts';

// Connects to a child as a worker does, prints its pid, and speaks a text that takes a minute.
const version = process.argv[2] as ProtocolVersion;
const files = await openSoundFiles();
// It gives names all the same, and leaves nothing when this process is killed.
await files.close();
const open = processChild({
  command: process.execPath,
  args: [...STAGED_CHILD_ARGS, '2'],
  env: {},
  files,
  versions: [version],
  log: () => {},
});
const child: SpeechChild = open('worker-1', {
  onReady: () => {
    child.speak({ correlationId: 'a', retryCount: 0, request: { text: 'wait:60000 long', voiceId: 'v' } });
    if (version === '1.0.0') process.stdout.write(`${child.pid}\n`);
    else child.ping();
  },
  onPulse: () => void process.stdout.write(`${child.pid}\n`),
  onSpoken: () => {},
  onFailed: () => {},
  onEnd: () => {},
});
