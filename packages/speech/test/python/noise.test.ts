import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bare, hello, synthesize } from './requests.ts';
import { said, startChild, temporaryFolder } from './speech-child.ts';
import { toneOf } from './tone.ts';

describe('what others print', () => {
  test.each([
    'noise of print',
    'noise of the first stdout',
    'noise of os.write',
    'noise of a program',
    'noise of C',
  ])('goes to the log: %s', async (noise) => {
    const child = startChild();
    await child.send(hello());
    await child.event('ready');
    // Once when the engine loads, once amid a job.
    await child.send(synthesize('!noise', 'noisy'));
    await child.send(synthesize('after', 'after'));
    await child.logged(noise, 1);
    expect((await child.answer('noisy')).raw).toEqual(toneOf('!noise'));
    expect((await child.answer('after')).raw).toEqual(toneOf('after'));
    // The reader throws at any byte out of place, and these are all there are.
    expect(child.frames).toHaveLength(4);
  });

  test('is no answer of 1.0 either', async () => {
    const child = startChild({ versions: '1.0.0' });
    const path = join(temporaryFolder(), 'sound.wav');
    await child.send(bare('!noise', path));
    expect(await child.bare(0)).toEqual({ success: true, output_path: path });
    await child.logged('noise of os.write', 1);
    expect(child.frames).toHaveLength(1);
  });

  test('a library that reads its input finds its end, and takes no request away', async () => {
    const child = startChild();
    await child.send(synthesize('!input', 'asking'));
    await child.send(synthesize('after', 'after'));
    expect(await said(child.answer('asking'))).toMatchObject({ code: 'model_failed' });
    expect((await child.answer('after')).raw).toEqual(toneOf('after'));
  });
});
