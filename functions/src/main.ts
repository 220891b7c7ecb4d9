import { readEnvironment } from './config.ts';
import { serveReceiver } from './receiver.node.ts';

// The receiver as a program of its own, configured by the environment: `node main.ts`. It logs JSON lines.

const SEVERITIES = { info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const;
const environment = readEnvironment();

const served = await serveReceiver({
  environment,
  host: environment['HOST'] ?? '0.0.0.0',
  port: Number(environment['PORT'] ?? 8080),
  log: (severity, message, fields = {}) =>
    process.stdout.write(`${JSON.stringify({ severity: SEVERITIES[severity], message, ...fields })}\n`),
});
process.stdout.write(
  `${JSON.stringify({ severity: 'INFO', message: 'receiver ready', port: served.port })}\n`,
);

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    served.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
