// Outlives the process that started it by a moment: when that one is gone, however it went, every process that it had
// started is ended. Process groups are named on this input, a line each, `+pid` or taken back by `-pid`. Programs
// that move into a group of their own are found by the mark which they inherited (where there is a /proc).
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const mark = `TALEBACK_RUN=${process.env.TALEBACK_RUN}`;
const groups = new Set();
const lines = createInterface({ input: process.stdin });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

const kill = (pid) => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
};

const isMarked = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
  } catch {
    return false;
  }
};

const marked = () => {
  try {
    return readdirSync('/proc').filter(
      (name) => /^\d+$/.test(name) && Number(name) !== process.pid && isMarked(name),
    );
  } catch {
    return [];
  }
};

lines.on('line', (line) => {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) groups.add(pid);
  else groups.delete(pid);
});
lines.on('close', () => {
  for (const pid of groups) kill(-pid);
  for (const pid of marked()) kill(Number(pid));
  process.exit(0);
});
