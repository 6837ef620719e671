import { Agent, type RequestOptions, request } from "node:https";
import { Readable } from "node:stream";
import { type ConnectionOptions, connect } from "node:tls";
import { marksOf } from "../server/tls/certificate-pin.ts";

/** Answers of these have no body (Fetch §2.2.3). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * `fetch` from one server, which is known by the key of its certificate and by nothing else: no authority has to vouch for it. Nothing,
 * no token either, is sent before its key was seen.
 * @param pin as `vfleet up` prints it: `sha256//...`
 * @param limits as the platform's own has them
 */
export function pinnedFetch(pin: string, limits: FetchLimits = LIMITS): typeof fetch {
  const agent = new PinningAgent(pin, limits.connectMs);
  return async (input, init) => {
    const asked = new Request(input, init);
    const body = asked.body === null ? undefined : Buffer.from(await asked.arrayBuffer());
    return new Promise((resolve, reject) => {
      const { method, signal, url } = asked;
      const headers = Object.fromEntries(asked.headers);
      const options: PinnedOptions = { agent, method, headers, signal, givenUp: signal };
      const sent = request(url, options, (answer) => {
        const { statusCode: status = 0 } = answer;
        const fields = Object.entries(answer.headers).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, String(value)] as [string, string]],
        );
        const stream = WITHOUT_BODY.has(status) ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
        if (stream === null) answer.resume();
        resolve(new Response(stream, { status, headers: fields }));
      });
      sent.setTimeout(limits.silenceMs, () => sent.destroy(new Error(`it says nothing for ${limits.silenceMs} ms`)));
      sent.on("error", (error) => reject(signal.aborted ? signal.reason : error));
      sent.end(body);
    });
  };
}

interface FetchLimits {
  /** Until the server has shown its certificate. */
  readonly connectMs: number;
  /** Without a byte of its answer. */
  readonly silenceMs: number;
}

const LIMITS: FetchLimits = { connectMs: 10_000, silenceMs: 300_000 };

/** Node keeps the signal of a request to itself until that has its socket, which a server that is silent never comes to. */
type PinnedOptions = RequestOptions & { readonly givenUp?: AbortSignal };

class PinningAgent extends Agent {
  readonly #pin: string;
  readonly #connectMs: number;

  constructor(pin: string, connectMs: number) {
    super({ keepAlive: true });
    this.#pin = pin;
    this.#connectMs = connectMs;
  }

  override createConnection(...[options, done]: Parameters<Agent["createConnection"]>) {
    // A session that is taken up again shows no certificate.
    const own = { ...options, rejectUnauthorized: false, session: undefined } as ConnectionOptions;
    const { givenUp } = options as PinnedOptions;
    const end = () => socket.destroy(new Error("it was given up"));
    const limit = setTimeout(
      () => socket.destroy(new Error(`no certificate within ${this.#connectMs} ms`)),
      this.#connectMs,
    );
    const settle = () => {
      clearTimeout(limit);
      givenUp?.removeEventListener("abort", end);
    };
    const socket = connect(own, () => {
      settle();
      const certificate = socket.getPeerX509Certificate();
      const seen = certificate && marksOf(certificate).pin;
      if (seen === this.#pin) done?.(null, socket);
      else socket.destroy(new Error(`its key is ${seen ?? "none"}, not ${this.#pin}`));
    });
    if (givenUp?.aborted) end();
    givenUp?.addEventListener("abort", end);
    socket.once("error", (error) => {
      settle();
      done?.(error, socket);
    });
    return undefined;
  }
}
