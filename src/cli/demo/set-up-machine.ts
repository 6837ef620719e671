import { setTimeout as delay } from "node:timers/promises";
import { VfleetError } from "../../errors/vfleet-error.ts";

/** What a modelled machine of `npm start` begins with, so that there is something to see. */
export interface DemoMachine {
  readonly host: string;
  /** YAML of what is desired. */
  readonly document: { readonly name: string; readonly text: string };
  /** VFs of its first port, by their number, and who gets them. */
  readonly attachments: readonly { readonly vf: string; readonly guest: string }[];
  readonly flows: readonly DemoFlow[];
}

interface DemoFlow {
  readonly netdev: string;
  readonly from: number;
  readonly to: number;
  readonly framesPerSecond: number;
  readonly bytes: number;
}

/** A server to work with. */
interface Server {
  readonly url: string;
  readonly token: string;
  /** Asks no more. */
  readonly signal: AbortSignal;
}

const POLL_MS = 50;
const LIMIT_MS = 60_000;

/**
 * Sets a machine up by the API, as anybody could: VFs as its document wants them, guests that have some, traffic between them.
 * @throws VfleetError what the server refuses
 */
export async function setUpMachine(server: Server, { host, document, attachments, flows }: DemoMachine): Promise<void> {
  await until(async () => (await ask<{ status: { reachable: boolean } }>(server, `/hosts/${host}`)).status.reachable);
  await change(server, host, { kind: "apply", document });
  for (const { vf, guest } of attachments) await change(server, host, { kind: "attach", vf, guest });
  for (const flow of flows) await ask(server, `/hosts/${host}/traffic`, flow);
}

/** Plans a change, does it, and waits for its end. */
async function change(server: Server, host: string, request: object): Promise<void> {
  const { id } = await ask<{ id: string }>(server, `/hosts/${host}/plans`, request);
  const { operation } = await ask<{ operation: number | null }>(server, `/plans/${id}/apply`, {});
  if (operation === null) return;
  const path = `/hosts/${host}/operations/${operation}`;
  await until(async () => {
    const { state, failure } = (await ask<OperationAnswer>(server, path)).status;
    if (state === "settled") return true;
    if (failure !== null) throw new VfleetError("VFL-0015", { message: `operation ${operation}: ${failure.message}` });
    return false;
  });
}

interface OperationAnswer {
  readonly status: { readonly state: string; readonly failure: { readonly message: string } | null };
}

async function ask<Body>({ url, token, signal }: Server, path: string, body?: unknown): Promise<Body> {
  const response = await fetch(new URL(`api/v1alpha1${path}`, url), {
    method: body === undefined ? "GET" : "POST",
    signal,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Body & { readonly detail?: string };
  if (!response.ok) throw new VfleetError("VFL-0015", { message: `${path}: ${answer.detail}` });
  return answer;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new VfleetError("VFL-0015", { message: "it took longer than a minute" });
    await delay(POLL_MS);
  }
}
