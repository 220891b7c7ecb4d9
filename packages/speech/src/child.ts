/** Hosting an engine in a child process or thread of your own. It loads little, so that children start fast. */
export { createFliteEngine, FLITE_PROFILE, loadFlite } from './engines/flite/flite-engine.ts';
export { compileFlite } from './engines/flite/flite-program.node.ts';
export {
  type FromSpeechThread,
  openSpeechThread,
  serveThread,
  type ToSpeechThread,
} from './engines/speech-thread.node.ts';
export { ownStdout } from './protocol/child/answers.node.ts';
export { serveSpeech } from './protocol/child/serve-speech.ts';
