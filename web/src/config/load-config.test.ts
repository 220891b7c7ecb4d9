import { describe, expect, it } from 'vitest';
import { CONFIG_PATH, HOSTING_CONFIG_PATH, loadConfig } from './load-config.ts';

const firebase = { projectId: 'demo-tale', apiKey: 'key' };
const page = (): Response => new Response('<!doctype html>', { status: 200 });
const absent = (): Response => new Response('', { status: 404 });

const serving =
  (files: Record<string, () => Response>): typeof fetch =>
  (path) =>
    Promise.resolve(((typeof path === 'string' ? files[path] : undefined) ?? absent)());

const away: typeof fetch = () => Promise.reject(new TypeError('Failed to fetch'));

describe('loadConfig', () => {
  it("prefers Taleback's own file", async () => {
    const files = {
      [CONFIG_PATH]: () => Response.json({ firebase }),
      [HOSTING_CONFIG_PATH]: () => Response.json({ projectId: 'other', apiKey: 'other' }),
    };
    expect(await loadConfig(serving(files))).toMatchObject({ ok: true, config: { firebase } });
  });

  it.each([
    ['is not there', absent],
    ['is the front page', page],
  ])("falls back to Hosting's where the file %s", async (_how, answer) => {
    const files = { [CONFIG_PATH]: answer, [HOSTING_CONFIG_PATH]: () => Response.json(firebase) };
    expect(await loadConfig(serving(files))).toMatchObject({ ok: true, config: { firebase } });
  });

  it('does not hide a broken file behind the fallback', async () => {
    const files = {
      [CONFIG_PATH]: () => Response.json({ firebase: {} }),
      [HOSTING_CONFIG_PATH]: () => Response.json(firebase),
    };
    expect(await loadConfig(serving(files))).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('/taleback.config.json: firebase.projectId is missing') as string,
    });
  });

  it('names both places when neither has one', async () => {
    const loaded = await loadConfig(serving({ [CONFIG_PATH]: page, [HOSTING_CONFIG_PATH]: page }));
    expect(loaded).toMatchObject({ ok: false, sentence: expect.stringContaining('Neither') as string });
  });

  it('distinguishes a server that is away from one without the file', async () => {
    expect(await loadConfig(away)).toEqual({ ok: false, unreachable: true });
    const broken = serving({ [CONFIG_PATH]: () => new Response('', { status: 503 }) });
    expect(await loadConfig(broken)).toEqual({ ok: false, unreachable: true });
  });
});
