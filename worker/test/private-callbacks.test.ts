import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createHttpPost,
  createSendOnce,
  type HttpPost,
  type HttpPostOptions,
  type TryOutcome,
} from '@taleback/outbox';
import {
  openRecordingReceiver,
  type RecordingReceiver,
} from '../../packages/outbox/test/recording-receiver.ts';

let receiver: RecordingReceiver;
let poster: HttpPost;
beforeEach(async () => {
  receiver = await openRecordingReceiver();
  poster = createHttpPost({ allowPrivate: false, timeoutMs: 2_000 });
});
afterEach(async () => {
  await poster.close();
  await receiver.close();
});

const send = (url: string): Promise<TryOutcome> =>
  createSendOnce({ post: poster.post, secrets: [], now: Date.now })({
    url,
    messageId: 'm',
    body: Buffer.from('{}'),
  });

describe('an address that is not public', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0x7f.1',
    '127.0.0.1.',
    '0.0.0.0',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '①②⑦.⓪.⓪.①',
  ])('gets nothing, however it is written: %s', async (host) => {
    const { port } = new URL(receiver.url);
    expect(await send(`http://${host}:${port}/api/tts/callback`)).toMatchObject({
      kind: 'address-refused',
      cause: expect.stringContaining('ALLOW_PRIVATE_CALLBACKS') as string,
    });
    expect(receiver.requests).toEqual([]);
  });

  it.each(['169.254.169.254', '[fd00:ec2::254]', '10.0.0.1', '100.100.100.200', '192.168.1.1'])(
    'is not even connected to: %s',
    async (host) => {
      expect(await send(`http://${host}/latest/meta-data`)).toMatchObject({ kind: 'address-refused' });
    },
  );

  it('gets nothing through a name that leads there, also when the name has a public address too', async () => {
    const answers = [
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ],
      // Nobody answers at the first: whatever comes of it, the second is not gone on to.
      [
        { address: '192.0.1.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    ];
    const outcomes: string[] = [];
    for (const addresses of answers) {
      await poster.close();
      poster = createHttpPost({
        allowPrivate: false,
        allowPlainHttp: true,
        timeoutMs: 300,
        resolveName: (_name, _options, callback) => callback(null, addresses),
      });
      const { port } = new URL(receiver.url);
      outcomes.push((await send(`http://rebound.example:${port}/`)).kind);
    }
    expect(outcomes).toEqual(['address-refused', 'address-refused', 'unanswered']);
    expect(receiver.requests).toEqual([]);
  });

  it('gets nothing over https either', async () => {
    expect(await send('https://127.0.0.1/')).toMatchObject({ kind: 'address-refused' });
    expect(await send('https://localhost/')).toMatchObject({ kind: 'address-refused' });
  });

  it('gets what is sent when that is allowed', async () => {
    await poster.close();
    poster = createHttpPost({ allowPrivate: true });
    expect(await send(receiver.callbackUrl)).toEqual({ kind: 'accepted', excerpt: '{"success":true}' });
  });
});

describe('an address that is public', () => {
  // Nothing listens at an address of a test network; a refusal comes before a connection is tried.
  const PUBLIC = '192.0.1.1';
  const sendTo = async (url: string, options: Partial<HttpPostOptions> = {}): Promise<TryOutcome> => {
    await poster.close();
    poster = createHttpPost({
      allowPrivate: false,
      timeoutMs: 300,
      resolveName: (_name, _options, callback) => callback(null, [{ address: PUBLIC, family: 4 }]),
      ...options,
    });
    return send(url);
  };

  it.each([`http://${PUBLIC}/`, 'http://receiver.example/'])('gets nothing over http: %s', async (url) => {
    for (const allowPrivate of [false, true]) {
      expect(await sendTo(url, { allowPrivate })).toMatchObject({
        kind: 'address-refused',
        cause: expect.stringContaining('https; ALLOW_PLAIN_HTTP_CALLBACKS=on allows http') as string,
      });
    }
    expect((await sendTo(url, { allowPlainHttp: true })).kind).not.toBe('address-refused');
  });

  it.each([`https://${PUBLIC}/`, 'https://receiver.example/'])(
    'is connected to over https: %s',
    async (url) => {
      expect((await sendTo(url)).kind).not.toBe('address-refused');
    },
  );
});
