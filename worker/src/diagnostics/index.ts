export { type DiagnosisOptions, type DiagnosisPorts, diagnose } from './diagnose.ts';
export type { Diagnosis, DiagnosisStep, StepName, Trouble } from './diagnosis.ts';
export { DiagnosisOnFailure, type DiagnosisOnFailureOptions } from './diagnosis-on-failure.ts';
export * from './doctor/index.ts';
export { type BreakerWords, formatDiagnosis } from './format-diagnosis.ts';
export type { NetworkProbe, ProbeConnection, TlsFinding, TlsTrouble } from './network.ts';
export {
  type Connectivity,
  type ConnectivityOptions,
  type EngineUnderTest,
  testConnectivity,
} from './test-connectivity.ts';
