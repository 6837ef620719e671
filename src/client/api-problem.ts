import { SERVER } from "../errors/codes/server.ts";
import type { VfleetError } from "../errors/vfleet-error.ts";

/** What a server tells of what went wrong (RFC 9457). */
interface Problem {
  /** Of HTTP; 0: there was no answer. */
  readonly status: number;
  /** Of the server's catalogue. */
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
  readonly requestId?: string;
  readonly details?: VfleetError["details"];
}

/** The server refused, failed or did not answer. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly code: string;
  readonly remedy: string;
  /** By which its log has it; undefined where there was no answer. */
  readonly requestId: string | undefined;
  readonly details: VfleetError["details"];

  constructor({ status, code, detail, remedy, requestId, details = {} }: Problem, cause?: unknown) {
    super(detail, cause === undefined ? {} : { cause });
    this.status = status;
    this.code = code;
    this.remedy = remedy;
    this.requestId = requestId;
    this.details = details;
  }
}

/** What an answer that is none of success says. */
export async function problemIn(response: Response): Promise<ApiProblem> {
  const { status } = response;
  const told = (await response.json().catch(() => null)) as Partial<Problem> | null;
  if (typeof told?.code === "string" && typeof told.detail === "string" && typeof told.remedy === "string") {
    return new ApiProblem({ ...(told as Problem), status });
  }
  const { remedy } = SERVER["VFL-0523"];
  return new ApiProblem({
    status,
    code: "VFL-0523",
    detail: `the server answered ${status}, without a problem`,
    remedy,
  });
}

/** Of a request that nobody answered. */
export function notAnswered(url: string, cause: unknown): ApiProblem {
  const { remedy } = SERVER["VFL-0522"];
  return new ApiProblem(
    { status: 0, code: "VFL-0522", detail: `${url} does not answer: ${reasonOf(cause)}`, remedy },
    cause,
  );
}

/** Node says only "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { readonly cause?: { readonly code?: unknown; readonly message?: unknown } };
  const reason = cause?.code ?? cause?.message ?? (error as { readonly message?: unknown }).message;
  return typeof reason === "string" ? reason : String(error);
}
