import { z } from "zod";
import { CATALOGUE, type ErrorCode } from "../../errors/catalogue.ts";
import { VfleetError } from "../../errors/vfleet-error.ts";

/** RFC 9457, with what vfleet says of an error anywhere. */
export const PROBLEM_SCHEMA = z.object({
  type: z.string().describe("urn:vfleet:error:CODE; vfleet explain CODE tells more"),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe("what happened, and where"),
  code: z.string(),
  remedy: z.string().describe("what to do"),
  requestId: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

export type Problem = z.infer<typeof PROBLEM_SCHEMA>;

/** Where HTTP has a word that fits better than "bad request", "conflict" or "failed". */
const STATUS: Partial<Record<ErrorCode, number>> = {
  // The host cannot be reached, or has no such function.
  "VFL-0012": 503,
  "VFL-0013": 404,
  "VFL-0041": 503,
  "VFL-0306": 409,
  "VFL-0502": 401,
  "VFL-0503": 403,
  "VFL-0504": 404,
  "VFL-0505": 410,
  "VFL-0506": 429,
  "VFL-0507": 500,
  "VFL-0510": 421,
  "VFL-0513": 412,
  "VFL-0514": 503,
};

const OF_EXIT_CODE = { 1: 500, 2: 400, 3: 409 } as const;

export function problemOf(error: VfleetError, requestId: string): Problem {
  const { code, message, remedy, details } = error;
  return {
    type: `urn:vfleet:error:${code}`,
    title: CATALOGUE[code].title,
    status: STATUS[code] ?? OF_EXIT_CODE[error.exitCode],
    detail: message,
    code,
    remedy,
    requestId,
    details: { ...details },
  };
}

/** Errors of Fastify and its plugins, by what they are to whoever asks; undefined: one of ours. */
export function errorOf(error: unknown): VfleetError {
  if (error instanceof VfleetError) return error;
  const { statusCode = 500, message = String(error) } = (error ?? {}) as { statusCode?: number; message?: string };
  if (statusCode === 429) return new VfleetError("VFL-0506", { cause: error });
  if (statusCode === 404) return new VfleetError("VFL-0504", { message, cause: error });
  // Of what is wrong in vfleet itself, whoever asks learns no more than that.
  if (statusCode >= 500) return new VfleetError("VFL-0507", { cause: error });
  return new VfleetError("VFL-0501", { message, cause: error });
}
