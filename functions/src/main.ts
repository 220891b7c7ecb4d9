import { type Log, logFields } from '@taleback/core';
import { readEnvironment } from './config.ts';
import { watchProcessFaults } from './process-faults.ts';
import { serveReceiver } from './receiver.node.ts';

// The receiver as a program of its own, configured by the environment: `node main.ts`. It logs JSON lines.

const SEVERITIES = { info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const;
const environment = readEnvironment();

const log: Log = (severity, message, fields) => {
  const line = { severity: SEVERITIES[severity], message, ...logFields(fields) };
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
watchProcessFaults(process, log);

/** 2: the configuration is wrong · 1: it cannot start now. */
const exitWith = (error: NodeJS.ErrnoException): never => {
  const { code, message } = error;
  const isAddress = code === 'ERR_SOCKET_BAD_PORT' || code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL';
  const sentence = isAddress ? `configuration: HOST, PORT: ${message}` : message;
  process.stderr.write(`taleback receiver: ${sentence}\n`);
  process.exit(sentence.startsWith('configuration: ') ? 2 : 1);
};

const host = environment['HOST'] ?? '0.0.0.0';
const port = Number(environment['PORT'] ?? 8080);
const served = await serveReceiver({ environment, host, port, log }).catch(exitWith);
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
