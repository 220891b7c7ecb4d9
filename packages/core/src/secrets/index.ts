export { SecretText } from './secret-text.ts';
