export { type DiagnosisOptions, type DiagnosisPorts, diagnose } from './diagnose.ts';
export type { Diagnosis, DiagnosisStep, StepName, Trouble } from './diagnosis.ts';
export {
  type DiagnosisInFew,
  DiagnosisOnFailure,
  type DiagnosisOnFailureOptions,
} from './diagnosis-on-failure.ts';
export type { EngineUnderTest } from './engine-under-test.ts';
export { type BreakerWords, formatDiagnosis } from './format-diagnosis.ts';
export type { NetworkProbe, ProbeConnection, TlsFinding, TlsTrouble } from './network.ts';
