// Imports the files of its arguments one after the other, each within 10 seconds, and prints those that fail.
const LIMIT_MS = 10_000;
let failures = 0;
for (const file of process.argv.slice(2)) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`did not end within ${LIMIT_MS} ms`)), LIMIT_MS).unref();
  });
  try {
    await Promise.race([import(file), late]);
  } catch (error) {
    failures += 1;
    console.log(`EXAMPLE FAILED ${file}\n${error?.stack ?? error}`);
  }
}
process.exit(failures === 0 ? 0 : 1);
