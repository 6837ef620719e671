import { z } from "zod";
import { catalogueEntry } from "../../errors/catalogue.ts";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { API_PATH, type Api } from "./api.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const ENTRY = z.object({
  code: z.string(),
  title: z.string(),
  explanation: z.string(),
  remedy: z.string(),
  exitCode: z.int(),
});

/** What the codes of problems mean, for anyone who has met one. */
export function errorRoute(api: Api): void {
  api.get(`${API_PATH}/errors/:code`, {
    config: { access: "anyone" },
    schema: {
      summary: "what a code means, and what to do",
      params: z.strictObject({ code: z.string().min(1).max(32) }),
      response: { 200: ENTRY, 400: PROBLEM_SCHEMA, 404: PROBLEM_SCHEMA },
    },
    handler: ({ params: { code } }) => {
      const entry = catalogueEntry(code);
      if (entry === undefined) throw new VfleetError("VFL-0504", { message: `there is no code ${code}` });
      return entry;
    },
  });
}
