export { fieldsBytes, fitDocument, MAX_DOCUMENT_BYTES } from './document-size.ts';
export { ALTERED_FIELD, type Alteration, storableMetadata } from './storable-metadata.ts';
