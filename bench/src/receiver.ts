import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { signStandard } from '@taleback/core/signatures';
import { FRAMEWORK } from '@taleback/e2e/src/framework.ts';
import { createPortPicker } from '@taleback/scripts/src/process/free-port.ts';
import { bundle } from './bundle.ts';
import { atMost, type BenchResult, interleaved, judged, median, pairedRatio } from './measure.ts';
import { KEY } from './receiver-work.ts';

const ROUNDS = 7;
/** Enough that a process which other work keeps from the core has something to do when its turn comes. */
const CONNECTIONS = 16;
/** Node's compiler has settled by then. */
const WARM_UP = { node: 4_000, function: 1_500 };
const REQUESTS = { node: 600, function: 250 };

interface Contestant {
  readonly child: ChildProcess;
  readonly port: number;
  readonly count: number;
}

const METADATA = {
  language: 'en',
  story_type: 'user',
  text_length: 1500,
  generation_time: 12.4,
  engine: 'chatterbox',
  worker_id: 'worker-1',
  chunks: [
    { characters: 412, duration_ms: 21_000 },
    { characters: 388, duration_ms: 19_400 },
  ],
};

let messages = 0;

/** A success callback that no one has seen before, as it goes over the wire. */
const newRequest = (): string => {
  messages += 1;
  const body = JSON.stringify({
    story_id: `story-${messages}`,
    user_id: 'u1',
    voice_id: 'v1',
    voice_name: 'Großmütterchen',
    audio_url: 'https://audio.example/narrations/u1/story.mp3',
    storage_path: 'private/users/u1/narrations/story.mp3',
    language: 'en',
    job_id: 'j1',
    duration_ms: 81_250,
    metadata: METADATA,
  });
  const bytes = Buffer.from(body);
  const message = { id: `ready_${messages}`, timestampSeconds: Date.now() / 1000, body: bytes };
  const headers = {
    host: '127.0.0.1',
    'user-agent': 'taleback-worker/0.1',
    accept: '*/*',
    'content-type': 'application/json',
    'content-length': String(bytes.byteLength),
    ...signStandard(message, [KEY]),
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /api/tts/callback HTTP/1.1\r\n${head.join('')}\r\n${body}`;
};

/** Sends one request on an open connection and waits for the whole answer. */
const send = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
      if (end < 0 || text.length < end + 4 + length) return;
      socket.off('data', read).off('close', breakOff);
      if (text.startsWith('HTTP/1.1 200')) resolve();
      else reject(new Error(`a contestant answered ${text}`));
    };
    const breakOff = (): void => reject(new Error('a contestant closed its connection'));
    socket.on('data', read).on('close', breakOff);
    socket.write(newRequest());
  });

const sendMany = async (sockets: readonly Socket[], count: number): Promise<void> => {
  let begun = 0;
  const lane = async (socket: Socket): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await send(socket);
    }
  };
  await Promise.all(sockets.map(lane));
};

const cpuOf = async (child: ChildProcess): Promise<number> => {
  child.send('cpu');
  const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return usage.user + usage.system;
};

/** CPU time of the contestant per callback, microseconds. */
const cpuMicros = async ({ child, port, count }: Contestant): Promise<number> => {
  // The framework closes connections that wait for their turn.
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connectTo(port)));
  const before = await cpuOf(child);
  await sendMany(sockets, count);
  const after = await cpuOf(child);
  for (const socket of sockets) socket.destroy();
  return (after - before) / count;
};

const connectTo = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket.setNoDelay(true);
};

const open = async (child: ChildProcess, port: number, kind: 'node' | 'function'): Promise<Contestant> => {
  await cpuMicros({ child, port, count: WARM_UP[kind] });
  return { child, port, count: REQUESTS[kind] };
};

/** The CPU time of one callback in the receiver, beside the least that does the same work, and beside frameworks. */
export const run = async (): Promise<BenchResult> => {
  const fileOf = await bundle(['receiver-child', 'receiver-function']);
  const program = fileOf('receiver-child');
  const source = dirname(program);
  await writeFile(join(source, 'package.json'), '{"type":"module","main":"receiver-function.js"}\n');
  const pickPort = createPortPicker();
  const children: ChildProcess[] = [];
  const start = (file: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess => {
    const child = fork(file, args, {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    });
    children.push(child);
    return child;
  };
  const onNode = async (name: string): Promise<Contestant> => {
    const child = start(program, [name]);
    const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
    return open(child, port, 'node');
  };
  const inFramework = async (target: string): Promise<Contestant> => {
    const port = await pickPort();
    const args = [`--source=${source}`, `--target=${target}`, `--port=${port}`, '--signature-type=http'];
    // In production the framework does not say when it serves.
    const child = start(FRAMEWORK, args, {
      NODE_ENV: 'test',
      FUNCTION_TARGET: target,
      GCLOUD_PROJECT: 'demo-bench',
    });
    for await (const chunk of child.stdout ?? []) if (String(chunk).includes('URL: ')) break;
    return open(child, port, 'function');
  };
  try {
    const contestants = {
      ours: await onNode('ours'),
      core: await onNode('core'),
      plain: await onNode('plain'),
      hono: await onNode('hono'),
      express: await onNode('express'),
      function: await inFramework('tts'),
      plainFunction: await inFramework('plain'),
    };
    const costs = await interleaved(contestants, ROUNDS, cpuMicros);
    const figures = {
      oursMicros: median(costs.ours),
      plainMicros: median(costs.plain),
      overCore: pairedRatio(costs.ours, costs.core),
      overPlain: pairedRatio(costs.ours, costs.plain),
      honoOverPlain: pairedRatio(costs.hono, costs.plain),
      expressOverPlain: pairedRatio(costs.express, costs.plain),
      functionMicros: median(costs.function),
      functionOverPlainFunction: pairedRatio(costs.function, costs.plainFunction),
    };
    return judged('receiver', figures, {
      overCore: atMost(1.3),
      overPlain: atMost(2),
      functionOverPlainFunction: atMost(1.1),
    });
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
};
