import { openGcsObjectStore } from '../../src/storage/gcs.node.ts';
import { createLibrary } from '../../src/storage/library.ts';
import { describeStore } from './store-conformance.ts';
import { openGcsService } from './gcs-service.ts';

describeStore('a bucket of Cloud Storage', async () => {
  const service = await openGcsService();
  const objects = openGcsObjectStore(service.options);
  return {
    library: createLibrary(objects),
    close: () => service.close(),
  };
});
