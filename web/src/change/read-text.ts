import { VfleetError } from "../../../src/errors/vfleet-error.ts";
import { readPolicies } from "../../../src/host/desired/read-documents.ts";

/** What is wrong with a text, and at which line and column. */
export interface TextError {
  readonly line: number;
  readonly column: number;
  /** With the lines and carets, as the commands have it. */
  readonly message: string;
}

/** @returns what is wrong with a document, undefined where nothing is */
export function errorIn(name: string, text: string): TextError | undefined {
  try {
    readPolicies([{ label: `${name}.yaml`, text }]);
    return undefined;
  } catch (error) {
    if (!(error instanceof VfleetError)) throw error;
    return textError(error);
  }
}

/** Of an error of the catalogue, ours or the server's. */
export function textError({
  message,
  details,
}: {
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}): TextError {
  return { line: Number(details.line ?? 1), column: Number(details.column ?? 1), message };
}
