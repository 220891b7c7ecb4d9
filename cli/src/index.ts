export type { CheckWish, CliPorts, OpenedSpeech, SpeechWish } from './cli-ports.ts';
export { type CliEnd, runCli } from './run-cli.ts';
export { processTerminal } from './terminal.ts';
