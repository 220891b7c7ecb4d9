import { refuse } from './answer.ts';
import { findRoute, methodsOf } from './routes.ts';

/**
 * The answer to a request that no web-standard `Request` can stand for: a method that it forbids (CONNECT, TRACE,
 * TRACK), or a target that is no path.
 *
 * @param pathname the path as the route table knows it; undefined when the target has none
 */
export const refuseTarget = (pathname: string | undefined): Response => {
  const route = pathname === undefined ? undefined : findRoute(pathname);
  if (route === undefined) return refuse({ kind: 'no-such-route' });
  return refuse({ kind: 'wrong-method', allow: methodsOf(route) });
};
