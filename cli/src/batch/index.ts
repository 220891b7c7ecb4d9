export { batchLines, type NarratedBatch, narrateBatch } from './narrate-batch.ts';
