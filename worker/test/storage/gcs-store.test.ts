import { openGcsObjectStore } from '../../src/storage/gcs.node.ts';
import { createAudioLibrary, createRecordStore } from '../../src/storage/library.ts';
import { describeStore } from './store-conformance.ts';
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
