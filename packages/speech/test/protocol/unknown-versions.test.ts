import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { request, synthesize } from '../python/requests.ts';
import { startChild } from '../python/speech-child.ts';
import { OWN_NODE_ARGS } from '../../src/own-files.node.ts';

const STAGED_CHILD = fileURLToPath(new URL('../children/staged-child.ts', import.meta.url));

const TYPESCRIPT_CHILD = {
  command: [process.execPath, ...OWN_NODE_ARGS, STAGED_CHILD],
  environment: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '' },
};

const hello = (versions: unknown, version?: unknown) => request({ type: 'hello', versions }, 'h', version);
const chosen = (version: string) => ({ type: 'hello', version });
const refused = { type: 'error', code: 'request_invalid' };

/** What `src/protocol/ARCHITECTURE.md` says about versions that a child does not speak. */
test.each([
  [hello(['3.0.0']), refused],
  [hello([]), refused],
  [hello(['3.0.0', '1.0.0']), chosen('1.0.0')],
  [hello(['2.2.0', '2.1.0'], '2.2.0'), chosen('2.1.0')],
  [hello(['3.0.0', '2.0.0'], '3.0.0'), chosen('2.0.0')],
  [hello(['3.0.0'], '3.0.0'), refused],
  [hello(['2.0.0'], 3), chosen('2.0.0')],
  [hello(['2.0.0'], '1.0.0'), chosen('2.0.0')],
  [hello(null), chosen('2.1.0')],
  [hello(undefined, '2.0.0'), chosen('2.0.0')],
  [hello('2.1.0'), refused],
  [request({ type: 'ping' }, 'h', '3.0.0'), refused],
  [request({ type: 'ping' }, 'h', '2.9'), { type: 'pong' }],
  [synthesize('Hello.', 'h', {}, '1.0.0'), refused],
  [synthesize('Hello.', 'h', {}, 'newest'), refused],
])('both children answer %j alike', async (line, expected) => {
  const answers = await Promise.all(
    [{}, TYPESCRIPT_CHILD].map(async (options) => {
      const child = startChild(options);
      await child.send(line);
      const { version, payload } = (await child.answer('h')).message;
      // It goes on.
      await child.send(request({ type: 'ping' }, 'after'));
      await child.answer('after');
      return { version, payload };
    }),
  );
  const [python, typescript] = answers;
  expect(python?.payload).toMatchObject(expected);
  expect(typescript?.payload).toMatchObject(expected);
  expect(typescript?.version).toBe(python?.version);
});
