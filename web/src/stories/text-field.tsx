import { useId } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly testId: string;
  readonly value: string;
  readonly rows?: number;
  readonly maxLength?: number;
  readonly hint?: string;
  readonly fault: string | undefined;
  readonly onWrite: (value: string) => void;
}

/** A labelled field for a line, or for as many rows as are asked for; its fault stands right beneath it. */
export const TextField = ({ label, testId, value, rows, maxLength, hint, fault, onWrite }: Props) => {
  const id = useId();
  const described = [fault === undefined ? '' : `${id}-fault`, hint === undefined ? '' : `${id}-hint`];
  const shared = {
    id,
    value,
    maxLength,
    'data-testid': testId,
    'aria-invalid': fault !== undefined,
    'aria-describedby': described.filter(Boolean).join(' ') || undefined,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows === undefined ? (
        <input
          {...shared}
          type="text"
          autocomplete="off"
          onInput={(event) => onWrite(event.currentTarget.value)}
        />
      ) : (
        <textarea {...shared} rows={rows} onInput={(event) => onWrite(event.currentTarget.value)} />
      )}
      {fault !== undefined && (
        <p class="field-fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
      {hint !== undefined && (
        <p class="small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
};
