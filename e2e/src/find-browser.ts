import { existsSync } from 'node:fs';

/** Debian's, then other Chromium builds that understand the same protocol. */
const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Chromium must not look for its makers' hosts: there is no way out of a closed network. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

/** Of the flags that the npm build is made for, those that change what a page may do are left out. */
const UNWANTED = ['--disable-web-security', '--single-process', '--no-zygote'];

/** The browser named by CHROMIUM_PATH, else an installed one, else the one that comes inside npm. */
export const findBrowser = async () => {
  const installed = [process.env['CHROMIUM_PATH'] ?? '', ...INSTALLED].find(
    (path) => path !== '' && existsSync(path),
  );
  if (installed !== undefined) return { executablePath: installed, args: QUIET };
  const { default: chromium } = await import('@sparticuz/chromium');
  const own = chromium.args.filter((arg) => !UNWANTED.some((name) => arg.startsWith(name)));
  return { executablePath: await chromium.executablePath(), args: [...new Set([...own, ...QUIET])] };
};
