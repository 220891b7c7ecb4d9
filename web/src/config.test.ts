import { describe, expect, it } from 'vitest';
import {
  CONFIG_PATH,
  HOSTING_CONFIG_PATH,
  HOSTING_SCRIPT_PATH,
  loadConfig,
  parseConfig,
  parseHostingConfig,
} from './config.ts';

const firebase = { projectId: 'demo-tale', apiKey: 'key' };
const page = (): Response => new Response('<!doctype html>', { status: 200 });
const absent = (): Response => new Response('', { status: 404 });

const serving =
  (files: Record<string, () => Response>): typeof fetch =>
  (path) =>
    Promise.resolve(((typeof path === 'string' ? files[path] : undefined) ?? absent)());

const away: typeof fetch = () => Promise.reject(new TypeError('Failed to fetch'));

const named = (port: number) => ({ host: '127.0.0.1', port, hostAndPort: `127.0.0.1:${port}` });

/** Behind the Firebase CLI's own Hosting. */
const loadBeside = (emulators: object | undefined, hostname: string) => {
  const json = JSON.stringify(emulators, null, 2);
  const script = `var firebaseConfig = {};\n  var firebaseEmulators = ${json};\n  if (firebaseEmulators) {}`;
  const files = {
    [HOSTING_CONFIG_PATH]: () => Response.json(firebase),
    [HOSTING_SCRIPT_PATH]: () => new Response(script),
  };
  return loadConfig(serving(files), hostname);
};

it('takes the site key of App Check, which may be absent', () => {
  const [key, none, wrong] = [{ appCheck: '6L-key' }, {}, { appCheck: 7 }].map((more) =>
    parseConfig('c.json', { firebase, ...more }),
  );
  expect(key).toMatchObject({ ok: true, config: { appCheck: '6L-key' } });
  expect(none).toMatchObject({ ok: true, config: { appCheck: undefined } });
  expect(wrong).toMatchObject({ ok: false, sentence: expect.stringContaining('appCheck must be') });
});

describe('loadConfig', () => {
  it("prefers Taleback's own file", async () => {
    const files = {
      [CONFIG_PATH]: () => Response.json({ firebase }),
      [HOSTING_CONFIG_PATH]: () => Response.json({ projectId: 'other', apiKey: 'other' }),
    };
    expect(await loadConfig(serving(files), 'tales.example')).toMatchObject({
      ok: true,
      config: { firebase },
    });
  });

  it.each([
    ['is not there', absent],
    ['is the front page', page],
  ])("falls back to Hosting's where the file %s", async (_how, answer) => {
    const files = { [CONFIG_PATH]: answer, [HOSTING_CONFIG_PATH]: () => Response.json(firebase) };
    expect(await loadConfig(serving(files), 'tales.example')).toMatchObject({
      ok: true,
      config: { firebase },
    });
  });

  it('finds the emulators that the Firebase CLI runs beside its Hosting, on this machine only', async () => {
    const emulators = { auth: named(9099), firestore: named(8080), functions: named(5001) };
    expect(await loadBeside(emulators, '127.0.0.1')).toMatchObject({
      config: {
        emulators: {
          auth: 'http://127.0.0.1:9099',
          firestore: { host: '127.0.0.1', port: 8080 },
          functions: { host: '127.0.0.1', port: 5001 },
        },
      },
    });
    for (const none of [undefined, {}, { auth: named(1) }])
      expect(await loadBeside(none, 'localhost')).toMatchObject({
        ok: true,
        config: { emulators: undefined },
      });
    expect(await loadBeside(emulators, 'tales.example')).toMatchObject({ config: { emulators: undefined } });
  });

  it('does not hide a broken file behind the fallback', async () => {
    const files = {
      [CONFIG_PATH]: () => Response.json({ firebase: {} }),
      [HOSTING_CONFIG_PATH]: () => Response.json(firebase),
    };
    expect(await loadConfig(serving(files), 'tales.example')).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('/taleback.config.json: firebase.projectId is missing') as string,
    });
  });

  it('names both places when neither has one', async () => {
    const loaded = await loadConfig(
      serving({ [CONFIG_PATH]: page, [HOSTING_CONFIG_PATH]: page }),
      'tales.example',
    );
    expect(loaded).toMatchObject({ ok: false, sentence: expect.stringContaining('Neither') as string });
  });

  it('distinguishes a server that is away from one without the file', async () => {
    expect(await loadConfig(away, 'tales.example')).toEqual({ ok: false, unreachable: true });
    const broken = serving({ [CONFIG_PATH]: () => new Response('', { status: 503 }) });
    expect(await loadConfig(broken, 'tales.example')).toEqual({ ok: false, unreachable: true });
  });
});

const emulators = {
  auth: 'http://127.0.0.1:9099',
  firestore: { host: '127.0.0.1', port: 8080 },
  functions: { host: '127.0.0.1', port: 5001 },
};

describe('parseConfig', () => {
  it('takes the least that works, with a region of its own', () => {
    expect(parseConfig('c.json', { firebase })).toEqual({
      ok: true,
      config: { firebase, region: 'us-central1', emulators: undefined },
    });
  });

  it('takes everything', () => {
    const full = { ...firebase, authDomain: 'tale.test', appId: '1:2:web:3' };
    expect(parseConfig('c.json', { firebase: full, region: 'europe-west1', emulators, other: 1 })).toEqual({
      ok: true,
      config: { firebase: full, region: 'europe-west1', emulators },
    });
  });

  it.each([
    [{}, 'c.json: firebase.projectId is missing, firebase.apiKey is missing.'],
    [null, 'c.json: firebase.projectId is missing, firebase.apiKey is missing.'],
    [[], 'c.json: firebase.projectId is missing, firebase.apiKey is missing.'],
    [{ firebase: { ...firebase, apiKey: 5 } }, 'c.json: firebase.apiKey must be a text that is not empty.'],
    [{ firebase, region: '' }, 'c.json: region must be a text that is not empty.'],
    [
      { firebase, emulators: { ...emulators, auth: '127.0.0.1:9099' } },
      'c.json: emulators.auth must be an address such as http://127.0.0.1:9099.',
    ],
    [
      { firebase, emulators: { ...emulators, firestore: { host: 'x', port: 70_000 } } },
      'c.json: emulators.firestore.port must be a whole number from 1 to 65535.',
    ],
    [
      { firebase, emulators: { auth: emulators.auth, firestore: emulators.firestore } },
      'c.json: emulators.functions.host is missing, emulators.functions.port is missing.',
    ],
  ])('names what is wrong with %j', (input, sentence) => {
    expect(parseConfig('c.json', input)).toEqual({ ok: false, sentence });
  });
});

describe('parseHostingConfig', () => {
  it('takes what Firebase Hosting answers and leaves the rest of it', () => {
    expect(parseHostingConfig('init.json', { ...firebase, storageBucket: 'b', appId: 'a' })).toEqual({
      ok: true,
      config: { firebase: { ...firebase, appId: 'a' }, region: 'us-central1', emulators: undefined },
    });
  });

  it('names what is missing', () => {
    expect(parseHostingConfig('init.json', { apiKey: 'key' })).toEqual({
      ok: false,
      sentence: 'init.json: projectId is missing.',
    });
  });
});
