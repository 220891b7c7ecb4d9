import { soundOf } from './ipc-sound.ts';

/** An engine that costs nothing. */
export const freeEngine = {
  name: 'bench',
  languages: ['en'],
  concurrency: 1,
  voices: () => [{ id: 'bench', name: 'Bench', languages: ['en'] }],
  prepareText: (text: string) => text,
  synthesizeChunk: async ({ text }: { readonly text: string }) => soundOf(text),
};
