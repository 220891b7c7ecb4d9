export { decideEngine, ENGINE_WORD_MS, type EngineDecision } from './decide-engine.ts';
export { type EngineRecord, type EngineTeller, readEngineRecord } from './engine-record.ts';
export {
  type BreakerState,
  type EngineState,
  type EnginesReport,
  MAX_REPORTED_ENGINES,
  MAX_REPORTED_VOICES,
  type ReportedEngine,
  type ReportedVoice,
  type ReportedWorkerState,
} from './engine-report.ts';
export { parseEnginesReport } from './parse-engines-report.ts';
