import { describe, expect, it } from 'vitest';
import { parseConfig, parseHostingConfig } from './parse-config.ts';

const firebase = { projectId: 'demo-tale', apiKey: 'key' };
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
