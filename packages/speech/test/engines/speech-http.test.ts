import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type OpenSpeechHttp, openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';

const MEBIBYTE = Buffer.alloc(2 ** 20);
const opened: { server: Server; client: OpenSpeechHttp }[] = [];

const open = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = openSpeechHttp();
  opened.push({ server, client });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, http: client.http };
};

afterEach(async () => {
  for (const { server, client } of opened.splice(0)) {
    await client.close();
    server.closeAllConnections();
    server.close();
  }
});

test('an answer is given as it comes: status, first of equal headers, bytes', async () => {
  const { url, http } = await open((_request, response) => {
    response.writeHead(302, { Location: '/there', 'X-Two': ['a', 'b'] }).end(Buffer.of(0, 255));
  });
  expect(await http({ method: 'GET', url, signal: undefined })).toMatchObject({
    status: 302,
    headers: { location: '/there', 'x-two': 'a' },
    body: Uint8Array.of(0, 255),
  });
});

test('a form goes as its bytes, with their type', async () => {
  const { url, http } = await open((request, response) => {
    response.setHeader('x-type', request.headers['content-type'] ?? '');
    request.pipe(response);
  });
  const sent = new FormData();
  sent.append('note', 'hi');
  sent.append('files', new File([Uint8Array.of(1, 2, 3)], 'a.wav', { type: 'audio/wav' }));
  const multipart = new Response(sent);
  const headers = { 'content-type': multipart.headers.get('content-type') ?? '' };
  const body = new Uint8Array(await multipart.arrayBuffer());
  const answer = await http({ method: 'POST', url, headers, body, signal: undefined });
  const form = await new Response(answer.body, {
    headers: { 'content-type': answer.headers['x-type'] ?? '' },
  }).formData();
  const file = form.get('files') as unknown as File;
  expect([form.get('note'), file.name, file.type]).toEqual(['hi', 'a.wav', 'audio/wav']);
  expect(new Uint8Array(await file.arrayBuffer())).toEqual(Uint8Array.of(1, 2, 3));
});

test('an answer without a length that breaks off is no answer', async () => {
  const { url, http } = await open((_request, response) => {
    response.write('half', () => response.destroy());
  });
  await expect(http({ method: 'GET', url, signal: undefined })).rejects.toMatchObject({
    code: 'audio_missing',
  });
});

test('an answer that never ends is given up', async () => {
  const { url, http } = await open((_request, response) => {
    const more = (): void => void response.write(MEBIBYTE, (error) => (error ? undefined : more()));
    more();
  });
  await expect(http({ method: 'GET', url, signal: undefined })).rejects.toMatchObject({
    code: 'provider_rejected',
  });
});

test('a request that is cancelled in the middle of its answer ends at the service', async () => {
  let gone: Promise<unknown> | undefined;
  const controller = new AbortController();
  const { url, http } = await open((_request, response) => {
    gone = once(response, 'close');
    response.write('half', () => controller.abort());
  });
  await expect(http({ method: 'GET', url, signal: controller.signal })).rejects.toMatchObject({
    code: 'job_cancelled',
  });
  await gone;
});
