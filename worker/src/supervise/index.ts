export type { ChildEnd, StartChild, SupervisedChild } from './child-end.ts';
export type { SupervisionPolicy } from './decide-supervision.ts';
export { RESTART_POLICY, type SuperviseOptions, type Supervisor, supervise } from './supervise.ts';
export { type LinkedProcess, onSupervisorGone } from './supervisor-link.ts';
