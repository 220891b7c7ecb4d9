import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Asker, Start } from './ipc-asker.ts';
import type { Sound } from './ipc-sound.ts';
import { Worker } from 'node:worker_threads';
import type { FromSpeechThread, ToSpeechThread } from '@taleback/speech/child';
import { Piscina } from 'piscina';

/** The manager's end of `ipc-raw-child`: written by hand, and no more than the work needs. */
const openRaw = (
  { command, args }: Start,
  childFile: string,
  mode: 'framed' | 'lines',
  reader: (settle: (id: number, sound: Sound) => void) => (chunk: Buffer) => void,
): Asker => {
  const child = spawn(command, [...args, childFile, mode], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map<number, (sound: Sound) => void>();
  let asked = 0;
  child.stdout.on(
    'data',
    reader((id, sound) => {
      waiting.get(id)?.(sound);
      waiting.delete(id);
    }),
  );
  return {
    ask: (text) =>
      new Promise((resolve) => {
        asked += 1;
        waiting.set(asked, resolve);
        child.stdin.write(`${JSON.stringify({ id: asked, text })}\n`);
      }),
    close: async () => {
      const exited = once(child, 'exit');
      child.stdin.end();
      await exited;
    },
  };
};

interface Header {
  readonly id: number;
  readonly sampleRateHz: number;
}

/** A line, then the bytes that it announced. */
export const openFramed = (node: Start, childFile: string): Asker =>
  openRaw(node, childFile, 'framed', (settle) => {
    let line = '';
    let header: (Header & { readonly byteLength: number }) | undefined;
    let bytes = new Uint8Array(0);
    let filled = 0;
    return (chunk) => {
      let at = 0;
      while (at < chunk.length) {
        if (header === undefined) {
          const end = chunk.indexOf(10, at);
          line += chunk.toString('latin1', at, end === -1 ? chunk.length : end);
          if (end === -1) return;
          header = JSON.parse(line) as Header & { byteLength: number };
          line = '';
          bytes = new Uint8Array(header.byteLength);
          filled = 0;
          at = end + 1;
        }
        const end = Math.min(chunk.length, at + bytes.length - filled);
        bytes.set(chunk.subarray(at, end), filled);
        filled += end - at;
        at = end;
        if (filled < bytes.length) return;
        settle(header.id, { sampleRateHz: header.sampleRateHz, samples: new Int16Array(bytes.buffer) });
        header = undefined;
      }
    };
  });

/** Everything in one line. */
export const openLines = (node: Start, childFile: string): Asker =>
  openRaw(node, childFile, 'lines', (settle) => {
    let rest = '';
    return (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const { id, sampleRateHz, sound } = JSON.parse(line) as Header & { readonly sound: string };
        settle(id, {
          sampleRateHz,
          samples: new Int16Array(new Uint8Array(Buffer.from(sound, 'base64')).buffer),
        });
      }
    };
  });

const VOICE = 'bench';

/** One thread and nothing around it: the same messages as the pool's. */
export const openRawThread = (threadFile: URL): Promise<Asker> =>
  new Promise((resolve) => {
    const thread = new Worker(threadFile, { env: {}, execArgv: [] });
    const waiting = new Map<string, (sound: Sound) => void>();
    let asked = 0;
    const asker: Asker = {
      ask: (text) =>
        new Promise((resolve) => {
          asked += 1;
          const correlationId = `req-${asked}-1`;
          waiting.set(correlationId, resolve);
          const chunk = { text, voiceId: VOICE };
          thread.postMessage({ type: 'speak', correlationId, chunk } satisfies ToSpeechThread, []);
        }),
      close: async () => void (await thread.terminate()),
    };
    thread.on('message', (message: FromSpeechThread) => {
      if (message.type === 'ready') resolve(asker);
      else if (message.type === 'audio') {
        waiting.get(message.correlationId)?.(message);
        waiting.delete(message.correlationId);
      }
    });
  });

export const openPiscina = (
  threadFile: URL,
  threads: number,
  /** How its threads wait for work; `sync` is its default. */
  atomics: 'sync' | 'disabled',
): Asker => {
  const piscina = new Piscina({
    filename: threadFile.href,
    name: 'speak',
    minThreads: threads,
    maxThreads: threads,
    atomics,
    env: {},
    execArgv: [],
  });
  return {
    ask: (text) => piscina.run({ text, voiceId: VOICE }) as Promise<Sound>,
    close: () => piscina.close({ force: true }),
  };
};
