import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { verifyStandard } from '@taleback/core/signatures';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatDeadLetter, formatEntry } from '@taleback/outbox';
import {
  openRecordingReceiver,
  type RecordingReceiver,
  type Reply,
} from '../../packages/outbox/test/recording-receiver.ts';
import { runHere } from './cli/run-cli.ts';
import { messageTo } from '../../packages/outbox/test/child-message.ts';

const KEY = randomBytes(24);
const CREATED_MS = Date.UTC(2026, 0, 2);

let root: string;
let receiver: RecordingReceiver;
let reply: (id: string) => Reply;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taleback-replay-'));
  reply = () => ({ status: 200 });
  receiver = await openRecordingReceiver(({ headers }) => reply(headers.get('webhook-id') ?? ''));
  await mkdir(join(root, 'audio'));
  await mkdir(join(root, 'outbox', 'set-aside'), { recursive: true });
});
afterEach(async () => {
  await receiver.close();
  await rm(root, { recursive: true, force: true });
});

const replay = async (
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> => {
  const env = {
    AUDIO_FOLDER: join(root, 'audio'),
    OUTBOX_FOLDER: join(root, 'outbox'),
    CALLBACK_SECRETS: `whsec_${KEY.toString('base64')}`,
    ALLOW_PRIVATE_CALLBACKS: 'on',
    ...environment,
  };
  const { code, out, err } = await runHere(['replay', ...args], { env });
  return { code, output: out + err };
};

const giveUp = async (id: string, createdMs: number): Promise<void> => {
  const message = messageTo(receiver.url, id);
  const path = join(root, 'audio', 'failed_callbacks', '2026-01-02', `${id}-${createdMs}.json`);
  await mkdir(dirname(path), { recursive: true });
  const delivery = { kind: 'refused', status: 422, excerpt: 'no' } as const;
  const end = { why: 'refused', delivery, attempts: 1, atMs: createdMs } as const;
  await writeFile(path, formatDeadLetter({ message, createdMs, ...end }));
};

const setAside = async (id: string, createdMs: number): Promise<void> => {
  const message = messageTo(receiver.url, id);
  const file = `${String(createdMs).padStart(15, '0')}-1.json`;
  const path = join(root, 'outbox', 'set-aside', file);
  await writeFile(path, formatEntry({ message, createdMs }));
  await writeFile(`${path}.reason.txt`, 'refused, and the store would not take it: bucket gone\n');
};

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(join(root, folder), { recursive: true }))
    .filter((file) => /\.(json|txt)$/.test(file))
    .sort();

const sentIds = (): string[] => receiver.requests.map(({ headers }) => headers.get('webhook-id') ?? '');

describe('npm run replay', () => {
  it('sends all that was given up, oldest first and signed again, and moves it away', async () => {
    await giveUp('s2-1', CREATED_MS + 2);
    await giveUp('s1-1', CREATED_MS);
    await setAside('s3-1', CREATED_MS + 1);
    const { code, output } = await replay();
    expect(output).toContain('3 of 3 accepted.');
    expect(code).toBe(0);
    expect(sentIds()).toEqual(['ready_s1-1', 'ready_s3-1', 'ready_s2-1']);
    for (const { headers, body } of receiver.requests) {
      expect(verifyStandard(headers, body, [KEY], Date.now())).toMatchObject({ ok: true });
    }
    expect((await filesIn('audio')).every((file) => file.startsWith('failed_callbacks/replayed/2026'))).toBe(
      true,
    );
    expect(await filesIn('outbox')).toEqual([
      expect.stringMatching(/^set-aside\/replayed\/.*\.json$/) as string,
      expect.stringMatching(/^set-aside\/replayed\/.*\.json\.reason\.txt$/) as string,
    ]);
    expect((await replay()).output).toContain('There is nothing to replay.');
    expect(receiver.requests).toHaveLength(3);
  });

  it('leaves what is refused or unreadable where it is, and ends with 1', async () => {
    await giveUp('s1-1', CREATED_MS);
    await giveUp('s2-1', CREATED_MS + 1);
    await writeFile(join(root, 'audio', 'failed_callbacks', '2026-01-02', 'torn.json'), '{"version":1');
    reply = (id) => ({ status: id === 'ready_s1-1' ? 404 : 200, text: 'no such story' });
    const { code, output } = await replay();
    expect(code).toBe(1);
    expect(output).toMatch(/s1 .*ready_s1-1 .*answered 404: no such story/);
    expect(output).toMatch(/torn\.json .*unreadable: it is not JSON/);
    expect(output).toMatch(/s2 .*accepted/);
    expect(output).toContain('1 of 3 accepted.');
    // No error callback: it was sent when the message was given up.
    expect(sentIds().sort()).toEqual(['ready_s1-1', 'ready_s2-1']);
    expect((await filesIn('audio')).filter((file) => !file.includes('replayed'))).toHaveLength(2);
  });

  it('lists without sending, of one story when asked', async () => {
    await giveUp('s1-1', CREATED_MS);
    await giveUp('s2-1', CREATED_MS);
    const { code, output } = await replay(['--dry-run', '--story', 's2']);
    expect(code).toBe(0);
    expect(output).toMatch(/2026-01-02T00:00:00.000Z +s2 +ready_s2-1 +answered 422: no/);
    expect(output).not.toContain('ready_s1-1');
    expect(output).toContain('1 would be sent.');
    expect(receiver.requests).toEqual([]);
  });

  it.each([
    ['CALLBACK_SECRETS: is missing', [], { CALLBACK_SECRETS: '' }],
    ['AUDIO_FOLDER: there is no folder /nowhere', [], { AUDIO_FOLDER: '/nowhere' }],
    ['OUTBOX_FOLDER: there is no folder /nowhere', ['--outbox-folder', '/nowhere'], {}],
    ['CALLBACK_SECRETS: an hmac_ secret is needed', [], { CALLBACK_SIGNING: 'hmac' }],
    ["unknown option '--all'", ['--all'], {}],
  ])('says what is missing: %s', async (words, args, environment) => {
    const { code, output } = await replay(args, environment);
    expect(output).toContain(
      `taleback: ${words.startsWith('CALLBACK_SECRETS: an') ? 'configuration: ' : ''}${words}`,
    );
    expect(code).toBe(2);
  });

  it('sends nothing to a private address unless that is allowed', async () => {
    await giveUp('s1-1', CREATED_MS);
    const { code, output } = await replay([], { ALLOW_PRIVATE_CALLBACKS: 'off' });
    expect(output).toContain('ALLOW_PRIVATE_CALLBACKS=on allows it');
    expect([code, receiver.requests.length]).toEqual([1, 0]);
  });
});
