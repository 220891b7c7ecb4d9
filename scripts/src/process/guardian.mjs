// Outlives the process that started it by a moment: when that one is gone, however it went, every process that it had
// started is ended. Process groups are named on this input, a line each, `+pid` or taken back by `-pid`. Programs
// that move into a group of their own are found by the mark which they inherited (where there is a /proc).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const mark = `TALEBACK_RUN=${process.env.TALEBACK_RUN}`;
const groups = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

const attempt = (run) => {
  try {
    return run();
  } catch {
    return undefined; // The process is gone, or another user's.
  }
};

const isMarked = (pid) =>
  Number(pid) !== process.pid &&
  attempt(() => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark));

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const pid = Number(line.slice(1));
    if (line.startsWith('+')) groups.add(pid);
    else groups.delete(pid);
  })
  .on('close', () => {
    for (const pid of groups) attempt(() => process.kill(-pid, 'SIGKILL'));
    const processes = existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
    for (const pid of processes.filter(isMarked)) attempt(() => process.kill(Number(pid), 'SIGKILL'));
    process.exit(0);
  });
