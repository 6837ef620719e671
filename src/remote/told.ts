import { ApiProblem } from "../client/api-problem.ts";
import { CATALOGUE, type ErrorCode } from "../errors/catalogue.ts";
import { VfleetError } from "../errors/vfleet-error.ts";

/**
 * What a server answers, by its whole type, of which its description says less.
 * @throws VfleetError what the server tells of what is wrong
 */
export async function told<Answer>(asking: Promise<unknown>): Promise<Answer> {
  try {
    return (await asking) as Answer;
  } catch (error) {
    throw error instanceof ApiProblem ? vfleetErrorOf(error) : error;
  }
}

/** The same as commands have it. A code that is not known here is told in the message. */
export function vfleetErrorOf(problem: ApiProblem): VfleetError {
  const { code, message, remedy, details } = problem;
  if (Object.hasOwn(CATALOGUE, code)) {
    return new VfleetError(code as ErrorCode, { message, remedy, details, cause: problem });
  }
  return new VfleetError("VFL-0523", { message: `${code}: ${message}`, remedy, details, cause: problem });
}
