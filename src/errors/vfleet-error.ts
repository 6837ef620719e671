import { CATALOGUE, type ErrorCode } from "./catalogue.ts";

/** What goes into an error besides its code. */
export interface ErrorParts {
  /** What happened and where; the catalogue's title where left out. */
  readonly message?: string;
  /** What to do; the catalogue's remedy where left out. */
  readonly remedy?: string;
  /** Facts for programs: path, errno, the value tried. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
  readonly cause?: unknown;
}

/** The one error class: a failure of the world or of the input, with a stable code and a way out. */
export class VfleetError extends Error {
  override readonly name = "VfleetError";
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: ErrorCode, { message, remedy, details = {}, cause }: ErrorParts = {}) {
    super(message ?? CATALOGUE[code].title, cause === undefined ? {} : { cause });
    this.code = code;
    this.remedy = remedy ?? CATALOGUE[code].remedy;
    this.details = details;
  }

  /** Of a process that ends by this error. */
  get exitCode(): 1 | 2 | 3 {
    return CATALOGUE[this.code].exitCode;
  }
}
