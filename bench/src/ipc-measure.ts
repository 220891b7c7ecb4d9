import { measureAudio } from './ipc-audio.ts';
import { childrenBeside } from './ipc-children.ts';
import { measureDispatch } from './ipc-dispatch.ts';

/** Entry of the measuring program. It prints its figures as JSON. */
const children = childrenBeside(import.meta.url);
const figures = { ...(await measureAudio(children)), ...(await measureDispatch(children)) };
process.stdout.write(`${JSON.stringify(figures)}\n`);
