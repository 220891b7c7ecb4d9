import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CLARA, newPerson, openAs, STORY_MS, type World } from './world.ts';

const run = promisify(execFile);
const runner = fileURLToPath(new URL('../../../scripts/run.mjs', import.meta.url));

/** Runs one of the project's scripts as a person would; a failure comes back with its output. */
const script = async (args: readonly string[], secret: string): Promise<{ code: number; output: string }> => {
  try {
    const { stdout } = await run(process.execPath, [runner, ...args], {
      env: { ...process.env, CALLBACK_SECRETS: secret },
    });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: `${stdout}${stderr}` };
  }
};

export const describeCallbacks = (world: World): void => {
  describe('callbacks through Hosting and the functions emulator', () => {
    it('passes every check of check-callbacks', async () => {
      const { addresses, secret } = world.stack();
      // The emulator starts a process for the first request, which takes longer on a loaded machine than a sender waits.
      expect((await fetch(`${addresses.pageUrl}/api/tts/health`)).status).toBe(200);
      const { code, output } = await script(['check-callbacks', '--url', addresses.pageUrl], secret);
      expect(output).not.toContain('FAILED');
      expect(code).toBe(0);
    });

    it('refuses what is signed with another secret', async () => {
      const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
      const { addresses } = world.stack();
      const args = ['send-callback', '--url', addresses.callbackUrl, '--story', 's', '--error', 'x'];
      const { code, output } = await script(args, other);
      expect(output).toContain('401 {"success":false');
      expect(code).toBe(1);
    });

    it('shows a callback that was sent by hand on the page', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({ title: 'By hand', text: 'Somebody sent word.', ...CLARA });
      const { page, context } = await openAs(world, person.userId, storyId);
      const { addresses, secret } = world.stack();
      const args = [
        'send-callback',
        '--url',
        addresses.callbackUrl,
        '--story',
        storyId,
        '--error',
        'CUDA out of memory',
      ];
      expect((await script(args, secret)).code).toBe(0);
      await page.locator('[data-testid=audio-status][data-status=failed]').waitFor({ timeout: STORY_MS });
      expect(await page.getByTestId('error-sentence').textContent()).toContain('ran out of graphics memory');
      await context.close();
      await person.close();
    });

    it('answers broken JSON in our JSON, without a stack trace or a path', async () => {
      const answer = await fetch(world.stack().addresses.callbackUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"story_id":',
      });
      const text = await answer.text();
      // It is not signed, and nothing unsigned is parsed.
      expect(answer.status).toBe(401);
      expect(JSON.parse(text)).toEqual({ success: false, error: expect.any(String) });
      expect(text).not.toMatch(/node_modules|\bat .*\(|file:/);
      expect(text).not.toContain(process.cwd());
    });
  });
};
