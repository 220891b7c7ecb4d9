export { type HmacMessage, signHmac, verifyHmac } from './hmac.ts';
export { type JobInUrl, jobOfUrl, signJobToken, verifyJobToken, withJob } from './job-token.ts';
export {
  parseSecret,
  SIGNATURE_TOLERANCE_SECONDS,
  type StandardMessage,
  signStandard,
  type Verification,
  verifyStandard,
} from './standard-webhooks.ts';
