import { measureAudio, measureProcesses, measureThreads } from './ipc-dispatch.ts';
import { childrenBeside, nodeOn } from './ipc-asker.ts';

/** Entry of the measuring program: `threads`, or `processes` and the core they are to be on. It prints figures as JSON. */
const [what, core] = process.argv.slice(2);
const children = childrenBeside(import.meta.url, nodeOn(core));
const figures =
  what === 'threads'
    ? await measureThreads(children)
    : { ...(await measureAudio(children)), ...(await measureProcesses(children)) };
process.stdout.write(`${JSON.stringify(figures)}\n`);
