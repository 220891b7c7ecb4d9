export {
  type Check,
  type CheckGroup,
  type CheckResult,
  type CheckStatus,
  type Finding,
  type Report,
} from './check.ts';
export * from './checks-index.ts';
export { type ExamineOptions, examine } from './examine.ts';
export { formatReport, type ReportStyle } from './format-report.ts';
