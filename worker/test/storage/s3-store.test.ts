import { openS3ObjectStore } from '../../src/storage/s3.node.ts';
import { createLibrary } from '../../src/storage/library.ts';
import { describeStore } from './store-conformance.ts';
import { openS3Service } from './s3-service.ts';

describeStore('a bucket of S3', async () => {
  const service = await openS3Service();
  const objects = openS3ObjectStore(service.access);
  return {
    library: createLibrary(objects),
    close: async () => {
      await objects.close();
      await service.close();
    },
  };
});
