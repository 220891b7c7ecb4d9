import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSoundFiles } from '@taleback/speech/src/protocol/sound-files.node.ts';
import { median, pairedRatio } from './interleaved-rounds.ts';
import { type Asker, tripsTo } from './ipc-asker.ts';
import type { IpcChildren } from './ipc-children.ts';
import { filesIn, openAlone, ourChildren } from './ipc-ours.ts';
import { openFramed } from './ipc-raw.ts';
import { interleavedTrips } from './round-trips.ts';

/** Bytes of sound, how many round trips make a round (enough to forget how it began), and how many rounds. */
const SIZES = [
  { label: '1 KB', sizeBytes: 1_024, count: 300, rounds: 31 },
  { label: '100 KB', sizeBytes: 102_400, count: 300, rounds: 15 },
  { label: '1 MB', sizeBytes: 1_048_576, count: 20, rounds: 15 },
] as const;

/** As base64 a megabyte is longer than a line of the protocol may be. */
const TOO_LONG_FOR_BASE64 = '1 MB';

/** Sound from a child process: ours in every way that the protocol knows, beside framing written by hand. */
export const measureAudio = async ({
  node,
  speechChild,
  rawChild,
}: IpcChildren): Promise<Record<string, number>> => {
  const files = await openSoundFiles();
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-'));
  const raw = openFramed(node, rawChild);
  const ours = {
    '2.1': await openAlone(ourChildren(node, speechChild, files, '2.1.0')),
    '2.0 by file in memory': await openAlone(ourChildren(node, speechChild, files, '2.0.0')),
    '2.0 by file on disk': await openAlone(ourChildren(node, speechChild, filesIn(folder, files), '2.0.0')),
    '2.0 base64': await openAlone(ourChildren(node, speechChild, files, '2.0.0', 'base64')),
  } as const satisfies Record<string, Asker>;
  const figures: Record<string, number> = {};
  try {
    for (const { label, sizeBytes, count, rounds } of SIZES) {
      const askers = Object.entries(ours).filter(
        ([name]) => name !== '2.0 base64' || label !== TOO_LONG_FOR_BASE64,
      );
      const travellers = Object.fromEntries(
        Object.entries({ raw, ...Object.fromEntries(askers) }).map(([name, asker]) => [
          name,
          { trip: tripsTo(asker, sizeBytes), count },
        ]),
      );
      const costs = await interleavedTrips(travellers, rounds);
      const of = (name: string): number[] => costs[name] ?? [];
      figures[`audio ${label}, raw framing by hand, p50 us`] = median(of('raw'));
      figures[`audio ${label}, 2.1, p50 us`] = median(of('2.1'));
      figures[`audio ${label}, 2.1, x raw framing`] = pairedRatio(of('2.1'), of('raw'));
      for (const [name] of askers.slice(1)) {
        figures[`audio ${label}, ${name}, x 2.1`] = pairedRatio(of(name), of('2.1'));
      }
    }
  } finally {
    for (const asker of [raw, ...Object.values(ours)]) await asker.close();
    await files.close();
    await rm(folder, { recursive: true, force: true });
  }
  return figures;
};
