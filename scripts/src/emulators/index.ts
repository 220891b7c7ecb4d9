export { type EmulatorOrigin, type FoundEmulators, findEmulators } from './find.ts';
export { openPubsubProxy } from './pubsub-proxy.ts';
export { type FirebaseOptions, type FirebasePorts, startFirebase } from './start-firebase.ts';
export { startFirestore } from './start-google.ts';
export { type Stores, startStores } from './start-stores.ts';
