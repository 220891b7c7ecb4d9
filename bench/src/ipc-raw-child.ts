import { soundOf } from './ipc-sound.ts';

/**
 * The least that a child can do: a line in; out comes a line with the length, then the bytes (`framed`), or a line with
 * everything (`lines`).
 */
const { stdin, stdout } = process;
const isFramed = process.argv[2] === 'framed';

const answer = (line: string): void => {
  const { id, text } = JSON.parse(line) as { readonly id: number; readonly text: string };
  const { sampleRateHz, samples } = soundOf(text);
  if (!isFramed) {
    const sound = Buffer.from(samples.buffer).toString('base64');
    stdout.write(`${JSON.stringify({ id, sampleRateHz, sound })}\n`);
    return;
  }
  stdout.cork();
  stdout.write(`${JSON.stringify({ id, sampleRateHz, byteLength: samples.byteLength })}\n`);
  stdout.write(new Uint8Array(samples.buffer));
  stdout.uncork();
};

let rest = '';
stdin.setEncoding('utf8');
stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) answer(line);
});
stdin.on('end', () => process.exit(0));
