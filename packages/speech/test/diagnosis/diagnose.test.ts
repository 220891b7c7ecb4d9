import { TalebackError } from '@taleback/core';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createNetworkProbe } from '../../src/diagnosis/network.node.ts';
import { openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import { type Diagnosis, type DiagnosisPorts, diagnose } from '../../src/diagnosis/diagnose.ts';
import { type Certificate, type Certificates, makeCertificates } from './certificates.ts';
import { closedPort, openHttp, openHttps, openSilent, type TestServer } from './servers.ts';

/** Long enough for a machine that has other things to do; what has to time out has a clock of its own. */
const PATIENT = { timeoutMs: 50_000 };

let certificates: Certificates;
let server: TestServer | undefined;
const { http, close: closeHttp } = openSpeechHttp();
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});
afterAll(async () => {
  await closeHttp();
  await certificates.remove();
});

const network = createNetworkProbe();

/** As an engine's probe: asks for the voices with a key, and says what the status means. */
const healthAt =
  (url: string): NonNullable<DiagnosisPorts['health']> =>
  async (signal) => {
    const { status } = await http({
      method: 'GET',
      url: `${url}/v1/voices`,
      headers: { 'xi-api-key': 'k' },
      signal,
    });
    if (status === 401) throw new TalebackError('credentials_invalid', 'answered 401');
    if (status === 429) throw new TalebackError('provider_rate_limited', 'answered 429');
    if (status !== 200) throw new TalebackError('provider_unavailable', `answered ${status}`);
    return 'two voices';
  };

const known = (): string[] => ['anna', 'ben'];

const outcomes = ({ steps }: Diagnosis): string =>
  steps.map(({ name, outcome }) => `${name} ${outcome}`).join(', ');

const answering = async (status: number): Promise<string> => {
  server = await openHttp((_, response) => response.writeHead(status).end());
  return `http://127.0.0.1:${server.port}`;
};

const overTls = async (certificate: Certificate, host = 'localhost'): Promise<Diagnosis> => {
  server = await openHttps(certificate, (_, response) => response.end());
  const trusting = createNetworkProbe({ authorities: [certificates.authority] });
  return diagnose(`https://${host}:${server.port}`, { network: trusting }, PATIENT);
};

describe('diagnose', () => {
  it('finds nothing wrong with a service that is well', async () => {
    const url = await answering(200);
    const diagnosis = await diagnose(`${url}/v1?key=abc`, { network, health: healthAt(url) }, PATIENT);
    expect(diagnosis).toMatchObject({ ok: true, target: url, host: '127.0.0.1' });
    expect(diagnosis.code).toBeUndefined();
    expect(outcomes(diagnosis)).toBe('dns skipped, tcp ok, tls skipped, http ok');
    expect(diagnosis.suggestions).toEqual([
      'Temporary service outage',
      'Rate limiting by the service',
      'SSL/TLS certificate issues',
    ]);
  });

  it('names a DNS failure, and skips what comes after it', async () => {
    let asked = 0;
    const health = async (): Promise<string> => `${(asked += 1)}`;
    const diagnosis = await diagnose('wss://speech.taleback.invalid/x?token=t', { network, health }, PATIENT);
    expect(diagnosis).toMatchObject({
      ok: false,
      code: 'dns_failed',
      target: 'wss://speech.taleback.invalid',
    });
    expect(outcomes(diagnosis)).toBe('dns failed, tcp skipped, tls skipped, http skipped');
    expect(diagnosis.suggestions.join()).toContain('DNS');
    expect(asked).toBe(0);
  });

  it('tells a refused connection', async () => {
    const diagnosis = await diagnose(`http://127.0.0.1:${await closedPort()}`, { network }, PATIENT);
    expect(diagnosis).toMatchObject({ code: 'network_unreachable', trouble: 'refused' });
    expect(diagnosis.details).toContain('ECONNREFUSED');
    expect(diagnosis.suggestions[0]).toContain('Start the service');
    expect(outcomes(diagnosis)).toBe('dns skipped, tcp failed, tls skipped, http skipped');
  });

  it.each([
    ['self-signed', 'certificate-self-signed', () => certificates.selfSigned],
    ['made out for another host', 'certificate-wrong-host', () => certificates.wrongHost],
    ['expired', 'certificate-expired', () => certificates.expired],
  ])('tells a certificate that is %s', async (_, trouble, certificate) => {
    const diagnosis = await overTls(certificate());
    expect(diagnosis).toMatchObject({ ok: false, code: 'tls_failed', trouble });
    expect(outcomes(diagnosis)).toMatch(/tcp ok, tls failed, http skipped/);
    expect(diagnosis.details).toContain('valid from');
    await server?.idle();
  });

  it('reports an authority that no one knows', async () => {
    server = await openHttps(certificates.good, (_, response) => response.end());
    const diagnosis = await diagnose(`https://localhost:${server.port}`, { network }, PATIENT);
    expect(diagnosis).toMatchObject({ code: 'tls_failed', trouble: 'certificate-untrusted' });
  });

  it.each(['localhost', '127.0.0.1'])('is content with a good certificate for %s', async (host) => {
    const diagnosis = await overTls(certificates.good, host);
    expect(diagnosis).toMatchObject({ ok: true });
    expect(diagnosis.steps.find(({ name }) => name === 'tls')?.words).toMatch(/^TLSv1/);
    await server?.idle();
  });

  it('tells a port that speaks no TLS', async () => {
    server = await openHttp((_, response) => response.end());
    const diagnosis = await diagnose(`https://127.0.0.1:${server.port}`, { network }, PATIENT);
    expect(diagnosis).toMatchObject({ code: 'tls_failed', trouble: 'tls-protocol' });
  });

  it('tells a port that hangs up', async () => {
    server = await openSilent((socket) => void socket.once('data', () => socket.destroy()));
    const diagnosis = await diagnose(`https://127.0.0.1:${server.port}`, { network }, PATIENT);
    expect(diagnosis).toMatchObject({ code: 'tls_failed', trouble: 'hung-up' });
  });

  it.each([
    [401, 'credentials_invalid', 'Check the key'],
    [429, 'provider_rate_limited', 'rate limit'],
    [503, 'provider_unavailable', 'Look at the log'],
  ])('asks the service itself: %i is %s', async (status, code, advice) => {
    const url = await answering(status);
    const diagnosis = await diagnose(url, { network, health: healthAt(url) }, PATIENT);
    expect(diagnosis).toMatchObject({ ok: false, code });
    expect(outcomes(diagnosis)).toBe('dns skipped, tcp ok, tls skipped, http failed');
    expect(diagnosis.suggestions.join()).toContain(advice);
  });

  it.each(['http', 'https'])(
    'tells a server that takes the connection and says nothing: %s',
    async (scheme) => {
      const clock = createFakeClock();
      // It has our first bytes: now the time runs out.
      server = await openSilent((socket) => void socket.once('data', () => clock.advance(5_000)));
      const url = `${scheme}://127.0.0.1:${server.port}`;
      const diagnosis = await diagnose(url, { network, health: healthAt(url) }, { clock });
      expect(diagnosis).toMatchObject({ code: 'timed_out', trouble: 'hung', ms: 5_000 });
      expect(diagnosis.details).toBe('no answer within 5000 ms');
      await server.idle();
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('is not held up by a probe that ignores its signal', async () => {
    const clock = createFakeClock();
    const url = await answering(200);
    const health = (): Promise<string> => {
      setImmediate(() => clock.advance(5_000));
      return new Promise(() => {});
    };
    expect(await diagnose(url, { network, health }, { clock })).toMatchObject({ code: 'timed_out' });
  });

  it.each([
    ['dns', 'https://name.example', 'dns_failed', 'resolver-away'],
    ['tcp', 'https://192.0.2.1', 'network_unreachable', 'filtered'],
  ])('knows what silence means at step %s', async (step, url, code, trouble) => {
    const clock = createFakeClock();
    const silent = (): Promise<never> => {
      setImmediate(() => clock.advance(5_000));
      return new Promise(() => {});
    };
    const diagnosis = await diagnose(url, { network: { resolve: silent, connect: silent } }, { clock });
    expect(diagnosis).toMatchObject({ code, trouble });
    expect(diagnosis.steps.find(({ outcome }) => outcome === 'failed')?.name).toBe(step);
  });

  it('says which voices there are when the wished one is not', async () => {
    const url = await answering(200);
    const ask = (id: string): Promise<Diagnosis> =>
      diagnose(url, { network, health: healthAt(url), voice: { id, known } }, PATIENT);
    expect(await ask('carl')).toMatchObject({ code: 'voice_not_found', trouble: 'voice' });
    expect((await ask('carl')).details).toContain('anna, ben');
    expect(await ask('ben')).toMatchObject({ ok: true });
  });

  it('ends when it is asked to, and leaves nothing open', async () => {
    const stop = new AbortController();
    server = await openSilent(() => stop.abort(new Error('enough')));
    const url = `https://127.0.0.1:${server.port}`;
    await expect(diagnose(url, { network }, { ...PATIENT, signal: stop.signal })).rejects.toThrow('enough');
    await server.idle();
  });

  it('repeats no secret, wherever it stood', async () => {
    const url = await answering(200);
    const health = async (): Promise<string> => {
      throw new TalebackError('credentials_invalid', 'api_key=sk-abcdef0123456789 refused', {
        details: `${url}/v1?token=verysecret Authorization: Bearer abc.def.ghi http://u:pass@host/`,
      });
    };
    const address = url.replace('//', '//user:geheim@');
    const told = JSON.stringify(await diagnose(`${address}/?key=leise`, { network, health }, PATIENT));
    expect(told).not.toMatch(/abcdef0123456789|verysecret|abc\.def|pass@|geheim|leise/);
    expect(told).toContain('credentials_invalid');
  });

  it.each(['', 'localhost:80', 'ftp://host', 'http://'])(
    'does not choke on the address %j',
    async (address) => {
      expect(await diagnose(address, { network })).toMatchObject({ ok: false, code: 'request_invalid' });
    },
  );
});
