import { ApiError, type Told } from "./problem.ts";

const KEY = "vfleet.token";
const API_PATH = "/api/v1alpha1";

/** The token that requests go with. It is kept for this browser, until the person signs out or the server refuses it. */
export const session = {
  get token(): string | null {
    return localStorage.getItem(KEY);
  },
  signIn(token: string): void {
    localStorage.setItem(KEY, token);
  },
  signOut(): void {
    localStorage.removeItem(KEY);
    location.reload();
  },
};

/** The link that the server prints has the token behind `#`, which no browser sends to anybody. */
export function takeTokenFromAddress(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  session.signIn(token);
  history.replaceState(null, "", location.pathname + location.search);
}

export interface Asked {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Asks the API.
 * @param path below the API's own, with its query
 * @throws ApiError what the server tells; with status 0 where it cannot be reached
 */
export async function ask<Body>(path: string, asked: Asked = {}): Promise<Body> {
  const response = await send(path, asked);
  return (response.status === 204 ? null : await response.json()) as Body;
}

export async function send(path: string, { method = "GET", body, signal, headers }: Asked): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(API_PATH + path, {
      method,
      headers: {
        authorization: `Bearer ${session.token ?? ""}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const message = "the server does not answer";
    throw new ApiError({ status: 0, code: "", message, remedy: "see whether vfleet up still runs" }, { cause: error });
  }
  if (response.ok) return response;
  throw await problemIn(response);
}

async function problemIn(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const { code, detail, remedy, details } = (await response.json()) as Omit<Told, "message"> & { detail: string };
    return new ApiError({ status, code, message: detail, remedy, ...(details === undefined ? {} : { details }) });
  } catch {
    return new ApiError({ status, code: "", message: `the server answered ${status}`, remedy: "look at its log" });
  }
}
