import { type Sound, soundOf } from './ipc-sound.ts';

/** The same as `ipc-thread` for piscina, which calls a function by its name. */
export const speak = ({ text }: { readonly text: string }): Sound => soundOf(text);
