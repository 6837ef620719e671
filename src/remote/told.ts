import { ApiProblem, vfleetErrorOf } from "../client/api-problem.ts";

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
