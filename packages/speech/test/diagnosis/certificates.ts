import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

export interface Certificates {
  /** For localhost and 127.0.0.1. */
  readonly selfSigned: Certificate;
  /** Signed by `authority`, for localhost and 127.0.0.1. */
  readonly good: Certificate;
  /** Signed by `authority`, for another host. */
  readonly wrongHost: Certificate;
  /** Signed by `authority`, for localhost, valid until yesterday. */
  readonly expired: Certificate;
  /** File of the authority's certificate, for NODE_EXTRA_CA_CERTS. */
  readonly authorityFile: string;
  readonly authority: string;
  readonly remove: () => Promise<void>;
}

const LOCAL = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
/** `openssl x509` cannot set the past, `openssl ca` can, and wants all this for it. */
const CA_CONFIG = (folder: string): string => `
[ca]
default_ca = it
[it]
database = ${folder}/index.txt
serial = ${folder}/serial
new_certs_dir = ${folder}
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
`;

/** Makes an authority and certificates with the openssl of this machine. */
export const makeCertificates = async (): Promise<Certificates> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-certificates-'));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: folder });
  await writeFile(at('index.txt'), '');
  await writeFile(at('serial'), '01');
  await writeFile(at('ca.cnf'), CA_CONFIG(folder));
  const request = (name: string, subject: string, ...more: string[]): Promise<unknown> =>
    openssl(
      'req',
      ...KEY,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.pem`),
      '-subj',
      subject,
      ...more,
    );
  await request(
    'authority',
    '/CN=Taleback test authority',
    '-x509',
    '-days',
    '2',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  );
  await request('self', '/CN=localhost', '-x509', '-days', '2', '-addext', LOCAL);
  const sign = async (name: string, alternative: string, dates: readonly string[]): Promise<void> => {
    await openssl(
      'req',
      ...KEY,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
      '-subj',
      `/CN=${name}`,
      '-addext',
      alternative,
    );
    await openssl(
      'ca',
      '-batch',
      '-notext',
      '-config',
      at('ca.cnf'),
      '-cert',
      at('authority.pem'),
      '-keyfile',
      at('authority.key'),
      '-in',
      at(`${name}.csr`),
      '-out',
      at(`${name}.pem`),
      ...dates,
    );
  };
  await sign('good', LOCAL, ['-days', '2']);
  await sign('elsewhere', 'subjectAltName=DNS:elsewhere.example', ['-days', '2']);
  await sign('old', LOCAL, ['-startdate', '200101000000Z', '-enddate', '200201000000Z']);
  const read = async (name: string): Promise<Certificate> => ({
    key: await readFile(at(`${name}.key`)),
    cert: await readFile(at(`${name}.pem`)),
  });
  return {
    selfSigned: await read('self'),
    good: await read('good'),
    wrongHost: await read('elsewhere'),
    expired: await read('old'),
    authorityFile: at('authority.pem'),
    authority: await readFile(at('authority.pem'), 'utf8'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};
