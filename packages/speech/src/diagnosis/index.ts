/** Network diagnostics: why a service cannot be reached, and what to do about it. */
export {
  type Diagnosis,
  type DiagnosisOptions,
  type DiagnosisPorts,
  type DiagnosisStep,
  diagnose,
  type EngineUnderTest,
} from './diagnose.ts';
export {
  type BreakerSummary,
  DiagnosisOnFailure,
  type DiagnosisOnFailureOptions,
  type DiagnosisSummary,
  formatDiagnosis,
} from './diagnosis-on-failure.ts';
export {
  createNetworkProbe,
  type NetworkProbe,
  type NetworkProbeOptions,
  type ProbeConnection,
  type TlsFinding,
  type TlsTrouble,
} from './network.node.ts';
export { type StepName, type Trouble, withoutSecrets } from './trouble.ts';
