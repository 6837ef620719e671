import { ApiProblem, notAnswered, problemIn } from "./api-problem.ts";
import type { ApiRoutes } from "./api-routes.ts";
import { readEvents } from "./read-events.ts";

/** Of what a server is asked. */
export type ApiRoute = keyof ApiRoutes;
export type ApiAnswer<Route extends ApiRoute> = ApiRoutes[Route]["answer"];
type ApiRequest<Route extends ApiRoute> = ApiRoutes[Route]["request"];

/** Any object that the server keeps the state of. */
type ApiObject = ApiAnswer<
  | "GET /hosts/{host}"
  | "GET /hosts/{host}/physicalfunctions/{name}"
  | "GET /hosts/{host}/virtualfunctions/{name}"
  | "GET /hosts/{host}/guests/{name}"
  | "GET /hosts/{host}/operations/{name}"
>;

export interface ApiEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** Go on from here. */
  readonly resourceVersion: string;
  readonly object: ApiObject;
}

export interface ApiClientOptions {
  /** As `vfleet up` prints it; in a page `location.origin`. */
  readonly url: string;
  /** Asked for each request: it may change. */
  readonly token: () => string | undefined;
  /** The platform's where left out; another, for a certificate that is pinned. */
  readonly fetch?: typeof fetch;
}

export interface WatchOptions {
  readonly host?: string;
  readonly kind?: ApiObject["kind"];
  /** The version of a list: what happened after it. Left out: from now on. */
  readonly from?: string;
  readonly signal?: AbortSignal;
  /** Told of the stream: that it is there (null), or why not. It is tried again by itself. */
  readonly onState?: (problem: ApiProblem | null) => void;
}

const API_PATH = "/api/v1alpha1";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

type Args<Route extends ApiRoute> =
  object extends ApiRequest<Route>
    ? [request?: ApiRequest<Route>, signal?: AbortSignal]
    : [request: ApiRequest<Route>, signal?: AbortSignal];

interface AnyRequest {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/** A server, in the types of its own description; in browsers and in Node. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /**
   * Asks one thing: `ask("GET /hosts/{host}/topology", {path: {host}})`.
   * @throws ApiProblem what the server tells; with status 0 where it does not answer, or not in the time that the signal has for it
   */
  async ask<Route extends ApiRoute>(route: Route, ...[request, signal]: Args<Route>): Promise<ApiAnswer<Route>> {
    const response = await this.#send(route, (request ?? {}) as AnyRequest, signal);
    if (response.status === 204) return null as ApiAnswer<Route>;
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    try {
      return (isJson ? await response.json() : await response.blob()) as ApiAnswer<Route>;
    } catch (error) {
      throw error instanceof SyntaxError ? error : this.#unanswered(error, signal);
    }
  }

  /**
   * What changes, as it changes. A stream that is cut off is taken up where it was, until `signal` ends it.
   * @throws ApiProblem of a request that no repetition helps; with status 410 where that version is not kept any more: list anew
   */
  async *watch({ host, kind, from, signal, onState }: WatchOptions = {}): AsyncGenerator<ApiEvent> {
    let last = from;
    let waitMs = FIRST_WAIT_MS;
    while (signal?.aborted !== true) {
      try {
        const query = { host, kind, resourceVersion: last };
        const { body } = await this.#send("GET /watch", { query }, signal, { accept: "text/event-stream" });
        onState?.(null);
        waitMs = FIRST_WAIT_MS;
        for await (const { type, id, data } of readEvents(body as ReadableStream<Uint8Array<ArrayBuffer>>)) {
          last = id === "" ? last : id;
          if (data === "") continue;
          yield { type, resourceVersion: id, object: JSON.parse(data) } as ApiEvent;
        }
        throw new Error("the stream ended");
      } catch (error) {
        if (signal?.aborted) return;
        const problem = error instanceof ApiProblem ? error : notAnswered(this.#options.url, error);
        if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) throw problem;
        onState?.(problem);
        await pause(waitMs, signal);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
    }
  }

  async #send(
    route: ApiRoute,
    { path = {}, query = {}, body }: AnyRequest,
    signal?: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const { url: base, token } = this.#options;
    const [method = "", template = ""] = route.split(" ");
    const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
    const asked = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    );
    const url = new URL(API_PATH + filled, base);
    url.search = new URLSearchParams(asked).toString();
    const own = token();
    let response: Response;
    try {
      response = await (this.#options.fetch ?? fetch)(url, {
        method,
        headers: {
          ...(own !== undefined && { authorization: `Bearer ${own}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...more,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      });
    } catch (error) {
      throw this.#unanswered(error, signal);
    }
    if (!response.ok) throw await problemIn(response);
    return response;
  }

  /** Whoever has given up knows why; a time limit that has passed is the server's doing. */
  #unanswered(error: unknown, signal: AbortSignal | undefined): unknown {
    const isLate = (signal?.reason as { readonly name?: unknown } | undefined)?.name === "TimeoutError";
    return signal?.aborted && !isLate ? error : notAnswered(new URL(this.#options.url).origin, error);
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
