export {
  type CatalogueEntry,
  describeError,
  ERROR_CATALOGUE,
  type ErrorCategory,
  type ErrorCode,
  type ErrorSeverity,
  isErrorCode,
} from './catalogue.ts';
export {
  CLASSIFICATION_TABLE,
  type ClassificationRow,
  classifyWords,
  type SenderWords,
  toTalebackError,
} from './classify.ts';
export {
  type ErrorReport,
  errorFromReport,
  isTalebackError,
  reportError,
  TalebackError,
  type TalebackErrorOptions,
} from './taleback-error.ts';
