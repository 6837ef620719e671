import { setTimeout as delay } from "node:timers/promises";
import type { ApiClient } from "../../client/api-client.ts";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { ChangeRequest } from "../../fleet/changes/change-request.ts";
import type { FlowDescription } from "../../kernel/model/flow-report.ts";
import { type RemoteHost, remoteHosts } from "../../remote/remote-host.ts";
import { told } from "../../remote/told.ts";

/** What a modelled machine of `npm start` begins with, so that there is something to see. */
export interface DemoMachine {
  readonly host: string;
  /** YAML of what is desired. */
  readonly document: { readonly name: string; readonly text: string };
  /** VFs by their names, and who gets them. */
  readonly attachments: readonly { readonly vf: string; readonly guest: string }[];
  readonly flows: readonly FlowDescription[];
}

const POLL_MS = 50;
const LIMIT_MS = 60_000;

/**
 * Sets a machine up by the API, as any client does: VFs as its document wants them, guests that have some, traffic between them.
 * @param signal asks no more
 * @throws VfleetError what the server refuses
 */
export async function setUpMachine(
  client: ApiClient,
  { host: name, document, attachments, flows }: DemoMachine,
  signal: AbortSignal,
): Promise<void> {
  const path = { host: name };
  const end = performance.now() + LIMIT_MS;
  while (!(await client.ask("GET /hosts/{host}", { path }, signal)).status.reachable) {
    if (performance.now() > end) throw new VfleetError("VFL-0015", { message: "it took longer than a minute" });
    await delay(POLL_MS, undefined, { signal });
  }
  for (const host of await remoteHosts(client, name)) {
    await change(host, { kind: "apply", document }, signal);
    for (const attachment of attachments) await change(host, { kind: "attach", ...attachment }, signal);
  }
  for (const body of flows) await told(client.ask("POST /hosts/{host}/traffic", { path, body }, signal));
}

async function change(host: RemoteHost, request: ChangeRequest, signal: AbortSignal): Promise<void> {
  const { perform } = await host.plan(request);
  const operation = await perform({ signal });
  if (operation === undefined || operation.state === "settled") return;
  const message = `operation ${operation.number} is ${operation.state}: ${operation.failure?.message}`;
  throw new VfleetError("VFL-0015", { message });
}
