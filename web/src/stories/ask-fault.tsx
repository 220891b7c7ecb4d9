import { describeError } from '@taleback/core';
import type { AskState } from '../session/index.ts';
import { FailureNotice } from '../ui/index.ts';

/** Says why an ask was not taken. */
export const AskFault = ({ state }: { state: AskState }) => {
  switch (state.kind) {
    case 'refused': {
      const { sentence, nextStep } = describeError(state.code);
      return (
        <FailureNotice>
          <p class="failure-sentence">{sentence}</p>
          <p>{nextStep}</p>
          {state.code === 'unknown' && <p class="small">{state.words}</p>}
        </FailureNotice>
      );
    }
    case 'unreached':
      return (
        <FailureNotice>
          <p class="failure-sentence">The request did not get through.</p>
          <p>Check your connection, then try again. Asking twice does no harm.</p>
        </FailureNotice>
      );
    case 'idle':
    case 'asking':
      return null;
    default:
      return state satisfies never;
  }
};
