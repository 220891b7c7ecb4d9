import { expressEdge } from '@taleback/functions/src/http/edge.node.ts';
import { installGate } from '@taleback/functions/src/http/gate.node.ts';
import { onRequest } from 'firebase-functions/https';
import { answerOf, plainWork, productReceiver, reportCpu } from './receiver-work.ts';

// The contestants of the receiver's benchmark behind Google's functions-framework; `tts` is ours.

const receiver = productReceiver();
installGate(process.env['FUNCTION_TARGET']);

export const tts = onRequest(
  { invoker: 'public' },
  expressEdge(
    () => ({ receiver, trustedProxyHops: 1 }),
    () => {},
  ),
);
export const plain = onRequest({ invoker: 'public' }, (request, response) => {
  const status = plainWork(request.headers, request.rawBody);
  response.status(status).type('json').send(answerOf(status));
});

reportCpu();
