export * from './hmac.ts';
export * from './job-token.ts';
export * from './standard-webhooks.ts';
