/** Error codes of the CNI specification 1.1, section "Error", and below 100 no others; ours follow. */
export const CNI_CODES = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  io: 5,
  decode: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  notAvailable: 50,
  /** The kernel refused a change. */
  refused: 100,
  /** What CHECK finds otherwise than it was left. */
  differs: 101,
} as const;

/** A failure as a runtime is told of it. */
export class CniError extends Error {
  override readonly name = "CniError";
  readonly code: number;
  readonly details: string;

  /** @param details more for a person, as the kernel's own words */
  constructor(code: keyof typeof CNI_CODES, message: string, details = "", options: ErrorOptions = {}) {
    super(message, options);
    this.code = CNI_CODES[code];
    this.details = details;
  }
}

/** With the words of what it came of. */
export function because(code: keyof typeof CNI_CODES, message: string, cause: unknown): CniError {
  return new CniError(code, message, cause instanceof Error ? cause.message : String(cause), { cause });
}
