import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Loaded into each function of a siege: at SIGUSR2 it writes the bytes that are alive in its heap to HEAP_FILE.

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const { HEAP_FILE: file = '' } = process.env;

process.on('SIGUSR2', () => {
  collectGarbage();
  writeFileSync(file, String(process.memoryUsage().heapUsed));
});
