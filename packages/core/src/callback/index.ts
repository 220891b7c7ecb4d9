export { documentIdFault, isWellFormed, toWellFormed } from './document-id.ts';
export { type ErrorCallback, parseErrorCallback } from './error-callback.ts';
export { deriveErrorCallbackUrl, deriveProgressUrl } from './error-callback-url.ts';
export { documentId, optionalText, type Parsed, parseWith } from './parse.ts';
export { type ProgressReport, parseProgress } from './progress.ts';
export { parseSuccessCallback, type SuccessCallback } from './success-callback.ts';
