import { readFileSync } from "node:fs";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { HostAccess } from "../../fleet/host-access.ts";
import { openSource } from "../../kernel/open-source.ts";
import type { Kernel } from "../../kernel/port.ts";
import { tokenFile } from "../../server/token-file.ts";
import { serverFolder } from "../server-folder.ts";
import { type AccessOptions, type KernelOptions, type ServerOptions, serverOf } from "./access-options.ts";

const TOKEN = /^[\x21-\x7e]{1,256}$/;

/** Opens the host that a command is about. */
export async function openAccess(options: AccessOptions): Promise<HostAccess> {
  if (serverOf(options) === undefined) {
    // With them comes all that makes plans: who reads registers alone does not wait for it.
    const { openHost } = await import("../../fleet/host-setting.ts");
    const { LocalHost } = await import("../../fleet/local-host.ts");
    return new LocalHost(await openHost({ ...options, source: options.source ?? "linux" }));
  }
  const [host, ...more] = await openRemote(options);
  if (host !== undefined && more.length === 0) return host;
  throw new VfleetError("VFL-0001", {
    message: "the server has several hosts",
    remedy: `name one of them with --host: ${[host, ...more].map((each) => each?.name).join(", ")}`,
  });
}

/** Opens what a command reads as registers and files: sources, or the hosts of a server. */
export async function openKernels(options: KernelOptions): Promise<readonly Kernel[]> {
  const { source = ["linux"] } = options;
  const sources = typeof source === "string" ? [source] : source;
  const opened: Kernel[] = [];
  if (serverOf(options) === undefined) for (const each of sources) opened.push(await openSource(each));
  else for (const host of await openRemote(options)) opened.push(await host.kernel());
  return opened;
}

/** Opens the one that a command reads. */
export async function openKernel(options: ServerOptions & { readonly source?: string }): Promise<Kernel> {
  if (serverOf(options) === undefined) return openSource(options.source ?? "linux");
  return (await openAccess(options)).kernel();
}

async function openRemote(options: ServerOptions & KernelOptions) {
  const url = serverUrl(serverOf(options) ?? "");
  const { ApiClient } = await import("../../client/api-client.ts");
  const { remoteHosts } = await import("../../remote/remote-host.ts");
  const token = tokenFor(url, options.tokenFile);
  const pin = pinOf(options, url);
  const own = pin ? { fetch: (await import("../pinned-fetch.ts")).pinnedFetch(pin) } : {};
  return remoteHosts(new ApiClient({ url: url.href, token: () => token, ...own }), options.host);
}

/** SHA-256 in base64, as curl writes it. */
const PIN = /^sha256\/\/[A-Za-z0-9+/]{43}=$/;

function pinOf(options: ServerOptions, url: URL): string | undefined {
  const pin = options.pin ?? process.env.VFLEET_SERVER_PIN;
  if (!pin) return undefined;
  const remedy = "give it as vfleet up prints it: sha256//, and 44 characters";
  if (!PIN.test(pin)) throw new VfleetError("VFL-0001", { message: `${pin} is no key of a certificate`, remedy });
  if (url.protocol === "https:") return pin;
  throw new VfleetError("VFL-0001", {
    message: `${url.origin} shows no certificate that could have the key`,
    remedy: "use https, or leave out --pin",
  });
}

function serverUrl(text: string): URL {
  const url = URL.parse(/^https?:/.test(text) ? text : `http://${text}`);
  if (url === null) {
    throw new VfleetError("VFL-0001", {
      message: `${text} is no address`,
      remedy: "write it as http://127.0.0.1:7420",
    });
  }
  if (url.protocol !== "https:" && !isLoopback(url)) {
    throw new VfleetError("VFL-0515", {
      message: `${url.origin} would get the token in the clear`,
      remedy: "use https, which vfleet up serves with --tls-cert and --tls-key",
    });
  }
  return url;
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}

function tokenFor(url: URL, named: string | undefined): string {
  const { VFLEET_TOKEN_FILE: fromEnvironment } = process.env;
  const own = isLoopback(url) ? tokenFile(serverFolder()) : undefined;
  const file = named ?? fromEnvironment ?? own;
  if (file === undefined) throw new VfleetError("VFL-0515", { message: `no token is named for ${url.origin}` });
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (cause) {
    const { code = "EIO" } = cause as NodeJS.ErrnoException;
    throw new VfleetError("VFL-0515", { message: `${file} cannot be read: ${code}`, details: { path: file }, cause });
  }
  if (TOKEN.test(token)) return token;
  throw new VfleetError("VFL-0515", { message: `${file} holds no token`, details: { path: file } });
}
