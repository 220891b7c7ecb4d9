import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAudioServer } from '../../src/storage/folder.node.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { describeStore } from './store-conformance.ts';

const openFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-store-'));
  const server = await openAudioServer({ folder, host: '127.0.0.1', port: 0 });
  const config = { kind: 'folder', folder, baseUrl: undefined } as const;
  const library = await openStorage({ config, folderUrl: server.url });
  const close = async (): Promise<void> => {
    await library.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { library, folder, close };
};

describeStore('a folder', openFolder);

describe('a folder that is in trouble', () => {
  let opened: Awaited<ReturnType<typeof openFolder>>;
  beforeEach(async () => {
    opened = await openFolder();
  });
  afterEach(() => opened.close());

  it('says that it may not be written to', async () => {
    // A file where the folder should be: what also stops those who may write everywhere.
    const library = await openStorage({
      config: { kind: 'folder', folder: join(opened.folder, 'taken'), baseUrl: undefined },
      folderUrl: '',
    });
    await writeFile(join(opened.folder, 'taken'), '');
    await expect(library.check()).rejects.toMatchObject({
      code: 'storage_upload_failed',
      details: expect.stringContaining('check-'),
    });
  });

  it('says that it belongs to someone else', async () => {
    await chmod(opened.folder, 0o500);
    // Root may write everywhere but where the kernel shows itself.
    const folder = process.getuid?.() === 0 ? '/sys/kernel' : opened.folder;
    const library = await openStorage({
      config: { kind: 'folder', folder, baseUrl: undefined },
      folderUrl: '',
    });
    await expect(library.check()).rejects.toMatchObject({ code: 'permission_denied' });
    await chmod(opened.folder, 0o700);
  });

  it('leaves nothing of a check', async () => {
    await opened.library.check();
    expect(await readdir(opened.folder)).toEqual([]);
  });
});
