export { AddressRefusedError } from './address-refused-error.ts';
export { type CallbackClientOptions, createCallbackClient } from './callback-client.ts';
export {
  type CallbackClient,
  type CallbackMessage,
  type Delivery,
  describeFailure,
  type FailedDelivery,
  isHttpUrl,
  type Substitute,
} from './callback-message.ts';
export { isPublicAddress } from './public-address.ts';
export {
  createSendOnce,
  type HmacSigning,
  type Post,
  type PostAnswer,
  type Sendable,
  type SendOnce,
  type SendOptions,
  type TryOutcome,
} from './send-once.ts';
export { substituteFor } from './substitute-for.ts';
