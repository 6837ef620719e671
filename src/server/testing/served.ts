import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HostSetting, settingOf } from "../../fleet/host-setting.ts";
import { openModel } from "../../kernel/model/model-kernel.ts";
import { modelFlows } from "../../kernel/model/remote/model-flows.ts";
import { labModel } from "../../kernel/model/testing/lab-models.ts";
import { listenAddress } from "../listen-address.ts";
import { type NamedHost, type RunningServer, type ServeOptions, serve } from "../serve.ts";

/** A server over a modelled host with an 82576, in this process, and what a client needs. */
export interface Served {
  readonly server: RunningServer;
  readonly setting: HostSetting;
  readonly folder: string;
  /** Of the first token, an admin's. */
  readonly token: string;
  /** @param token the admin's where left out; null: none */
  ask(path: string, request?: Asked): Promise<Answer>;
  close(): Promise<void>;
}

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // What a test looks at it says itself.
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
  readonly body: any;
}

/** @param more of the server, besides what it needs */
export async function startServed(machine = "igb", more: Partial<ServeOptions> = {}): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-server-"));
  const model = labModel(machine);
  if (model === undefined) throw new TypeError(`there is no model of ${machine}`);
  const kernel = await openModel(model, machine);
  for (const module of ["igb", "igbvf"]) await kernel.loadModule(module);
  const folders = { state: join(folder, "host"), config: join(folder, "config"), locks: join(folder, "locks") };
  const setting = await settingOf({ kernel, guests: undefined, folders, flows: modelFlows(kernel) });
  return { ...(await serveHosts([{ name: "lab", setting }], folder, more)), setting };
}

/** @param folder goes when it is closed */
export async function serveHosts(
  hosts: readonly NamedHost[],
  folder: string,
  more: Partial<ServeOptions> = {},
): Promise<Omit<Served, "setting">> {
  const server = await serve({
    hosts,
    listen: listenAddress("127.0.0.1:0", false),
    state: join(folder, "server"),
    names: (vendor, device) => `${vendor}:${device}`,
    version: "0.0.0",
    logLevel: "silent",
    // What happens is seen by the kernel's events.
    intervalMs: 60_000,
    ...more,
  });
  const token = server.firstToken ?? "";
  const ask = async (path: string, { method = "GET", body, token: own = token, headers = {} }: Asked = {}) => {
    const response = await fetch(new URL(path, server.url), {
      method,
      headers: {
        ...(own === null ? {} : { authorization: `Bearer ${own}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== "" ? JSON.parse(text) : null,
    };
  };
  return {
    server,
    folder,
    token,
    ask,
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, "it did not come to be so in 20 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
