import { Agent, request } from "node:https";
import { Readable } from "node:stream";
import { type ConnectionOptions, connect } from "node:tls";
import { marksOf } from "../server/tls/certificate-pin.ts";

/** Answers of these have no body (Fetch §2.2.3). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * `fetch` from one server, which is known by the key of its certificate and by nothing else: no authority has to vouch for it. Nothing,
 * no token either, is sent before its key was seen.
 * @param pin as `vfleet up` prints it: `sha256//...`
 */
export function pinnedFetch(pin: string): typeof fetch {
  const agent = new PinningAgent(pin);
  return async (input, init) => {
    const asked = new Request(input, init);
    const body = asked.body === null ? undefined : Buffer.from(await asked.arrayBuffer());
    return new Promise((resolve, reject) => {
      const { method, signal, url } = asked;
      const sent = request(url, { agent, method, headers: Object.fromEntries(asked.headers), signal }, (answer) => {
        const { statusCode: status = 0, headers } = answer;
        const fields = Object.entries(headers).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, String(value)] as [string, string]],
        );
        const stream = WITHOUT_BODY.has(status) ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
        if (stream === null) answer.resume();
        resolve(new Response(stream, { status, headers: fields }));
      });
      sent.on("error", reject);
      sent.end(body);
    });
  };
}

class PinningAgent extends Agent {
  readonly #pin: string;

  constructor(pin: string) {
    super({ keepAlive: true });
    this.#pin = pin;
  }

  override createConnection(...[options, done]: Parameters<Agent["createConnection"]>) {
    // A session that is taken up again shows no certificate.
    const own = { ...options, rejectUnauthorized: false, session: undefined } as ConnectionOptions;
    const socket = connect(own, () => {
      const certificate = socket.getPeerX509Certificate();
      const seen = certificate && marksOf(certificate).pin;
      if (seen === this.#pin) done?.(null, socket);
      else socket.destroy(new Error(`its key is ${seen ?? "none"}, not ${this.#pin}`));
    });
    socket.once("error", (error) => done?.(error, socket));
    return undefined;
  }
}
