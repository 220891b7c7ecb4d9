export {
  type CallbackClient,
  type CallbackClientOptions,
  createCallbackClient,
  type Delivery,
  type Post,
  type PostAnswer,
} from './callback-client.ts';
export {
  createProgressReporter,
  notifyErrorCallback,
  notifySuccessCallback,
  type ProgressReporter,
  type Subject,
} from './notify.ts';
export type { ErrorPayload, SuccessPayload } from './payloads.ts';
