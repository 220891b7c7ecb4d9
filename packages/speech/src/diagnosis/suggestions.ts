import type { Trouble } from './diagnosis.ts';
import type { DiagnosisTarget } from './diagnosis-target.ts';

/** @see seed 002, the example output of diagnose_tts_failure */
const MAY_HAVE_BEEN = [
  'Temporary service outage',
  'Rate limiting by the service',
  'SSL/TLS certificate issues',
];

const FIREWALL = [
  'Look for a firewall that drops connections to this host and port',
  'Behind a proxy, let this machine connect directly: the worker uses none',
];

/** What to do about a trouble, the likeliest first. */
export const suggestionsFor = (
  trouble: Trouble | undefined,
  { host, port, isName }: DiagnosisTarget,
): readonly string[] => {
  switch (trouble) {
    case undefined:
      return MAY_HAVE_BEEN;
    case 'name-unknown':
      return [`Check the name "${host}"`, 'Check your DNS and your internet connection'];
    case 'resolver-away':
      return ['Check your DNS and your internet connection'];
    case 'refused':
      return [
        `Start the service: nothing listens on port ${port}`,
        'Check the port, and that the service does not listen on another address',
      ];
    case 'unreachable':
      return [
        ...(isName ? [] : ['Check the address']),
        'Check the network and the route to this host',
        ...FIREWALL,
      ];
    case 'filtered':
      return [...FIREWALL, 'Check that the machine is up'];
    case 'certificate-expired':
      return ['Renew the certificate of the service', 'Check the clock of this machine'];
    case 'certificate-not-yet-valid':
      return ['Check the clock of this machine'];
    case 'certificate-self-signed':
    case 'certificate-untrusted':
      return [
        'Name the authority that signed it in NODE_EXTRA_CA_CERTS',
        'Check that no proxy between here and the service replaces the certificate',
      ];
    case 'certificate-wrong-host':
      return ['Use the name that the certificate is made out for', `Get a certificate for "${host}"`];
    case 'tls-protocol':
      return [
        `Check that port ${port} speaks TLS: without it the address begins with http: or ws:`,
        'Check which TLS versions the service allows',
      ];
    case 'hung':
      return [
        'Restart the service, unless it is at work: it takes connections and does not answer',
        'Look at its log and its load',
      ];
    case 'hung-up':
      return [`Check that port ${port} is the service: it hung up`, 'Look at its log'];
    case 'credentials':
      return ['Check the key: it is wrong, was revoked, or belongs to another service'];
    case 'permission':
      return ['Check what the key may do and the plan it belongs to'];
    case 'rate-limit':
      return ['Send fewer requests or wait: the rate limit of the service is reached'];
    case 'quota':
      return ['Buy more or wait: the allowance of the account is used up'];
    case 'voice':
      return ['Choose one of the voices that the service has'];
    case 'address':
      return ['Write the address as http://host:port, https://, ws:// or wss://'];
    case 'service':
      return ['Look at the log of the service', 'Temporary service outage: try again later'];
    default:
      return trouble satisfies never;
  }
};
