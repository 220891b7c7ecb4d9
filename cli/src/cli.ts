#!/usr/bin/env node
import { runCli } from './run-cli.node.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Closing the other end early, as `head` does, ends it quietly.
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
const code = await runCli(process.argv.slice(2));
// What was left behind, such as an unanswered DNS query, must not keep a command from ending.
if (code !== undefined) process.stdout.write('', () => process.exit(code));
