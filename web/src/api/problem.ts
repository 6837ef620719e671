export interface Told {
  /** Of HTTP; 0: there was no answer. */
  readonly status: number;
  /** Of the catalogue; empty where it has none. */
  readonly code: string;
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  /** Of VFL-0016 line, column and problem; others have their own. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

/** What went wrong, as the server tells it (RFC 9457), with a code of the catalogue and what to do. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy: string;
  readonly details: NonNullable<Told["details"]>;

  constructor({ status, code, message, remedy, details = {} }: Told, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.remedy = remedy;
    this.details = details;
  }
}
