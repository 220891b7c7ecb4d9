import { openGcsObjectStore } from '../../src/storage/gcs-object-store.node.ts';
import { createAudioLibrary, createRecordStore } from '../../src/storage/index.ts';
import { describeStore } from '../../src/storage/store-conformance.ts';
import { openGcsService } from './gcs-service.ts';

describeStore('a bucket of Cloud Storage', async () => {
  const service = await openGcsService();
  const objects = openGcsObjectStore(service.options);
  return {
    audio: createAudioLibrary(objects),
    records: createRecordStore(objects),
    close: () => service.close(),
  };
});
