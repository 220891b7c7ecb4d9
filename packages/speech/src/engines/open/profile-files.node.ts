import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VoiceProfile } from '../index.ts';

/** Recordings kept at once; one takes up to 10 MB. A chunk that waits for longer than 32 others finds its own gone. */
const MOST_KEPT = 32;

export interface ProfileFiles {
  /** The path of a file with this recording, the same for the same recording while it is kept. */
  readonly keep: (profile: VoiceProfile) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Recordings as files that only this user may read, for children that take a path. */
export const openProfileFiles = async (): Promise<ProfileFiles> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-profiles-'));
  /** By hash; the one used last stands at the end. */
  const kept = new Map<string, Promise<string>>();

  const write = async ({ hash, bytes }: VoiceProfile): Promise<string> => {
    const path = join(folder, hash);
    await writeFile(path, bytes, { mode: 0o600 });
    return path;
  };
  const forgetOldest = (): void => {
    const [oldest] = kept;
    if (kept.size <= MOST_KEPT || oldest === undefined) return;
    kept.delete(oldest[0]);
    void oldest[1].then((path) => rm(path, { force: true })).catch(() => {});
  };
  return {
    keep: (profile) => {
      const path = kept.get(profile.hash) ?? write(profile);
      kept.delete(profile.hash);
      kept.set(profile.hash, path);
      path.catch(() => kept.delete(profile.hash));
      forgetOldest();
      return path;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
};
