// `npm run batch` is `taleback batch`.
process.argv.splice(2, 0, 'batch');
await import('./taleback.ts');

export {};
