export { createPortPicker } from './free-port.ts';
export { type Supervised, type SupervisedOptions, startSupervised } from './supervised.ts';
