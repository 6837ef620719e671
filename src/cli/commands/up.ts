import { once } from "node:events";
import { fstatSync } from "node:fs";
import { hostname } from "node:os";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { openHost } from "../../fleet/host-setting.ts";
import { listenAddress } from "../../server/listen-address.ts";
import { type NamedHost, type RunningServer, serve } from "../../server/serve.ts";
import { deviceName, packageFile, packageVersion } from "../names.ts";
import { note, outliveOutput, print, sayWaiting } from "../output.ts";
import { onInterrupt } from "../provision/on-interrupt.ts";
import { serverFolder } from "../server-folder.ts";

export interface UpOptions {
  readonly source?: readonly string[];
  readonly listen: string;
  readonly state?: string;
  /** Of its one host. */
  readonly config?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsGenerate?: boolean;
  readonly interval: number;
  readonly logLevel: string;
  /** While it serves already; ends when the server is to end. */
  readonly afterStart?: (server: RunningServer, signal: AbortSignal) => Promise<void>;
}

const MS_PER_S = 1000;
const FAILED = 1;

/** `vfleet up`: one process that watches hosts and serves the API, until it is told to end. */
export async function up(options: UpOptions): Promise<number> {
  const { tlsCert: certFile, tlsKey: keyFile, interval, logLevel } = options;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new VfleetError("VFL-0001", { message: "--tls-cert and --tls-key go together" });
  }
  if (options.tlsGenerate && certFile !== undefined) {
    throw new VfleetError("VFL-0001", { message: "--tls-generate makes a certificate: --tls-cert names another one" });
  }
  const sources = options.source ?? ["linux"];
  if (options.config !== undefined && sources.length > 1) {
    throw new VfleetError("VFL-0001", { message: "--config is of one host: each of several has its own" });
  }
  const files = certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined;
  const tls = options.tlsGenerate ? "own" : files;
  const listen = listenAddress(options.listen, tls !== undefined);
  // Who has read where it listens need not read on, and changes go on in it.
  outliveOutput();
  sayWaiting("opening hosts");
  const server = await serve({
    hosts: await openHosts(sources, options.config),
    listen,
    state: options.state ?? serverFolder(),
    names: deviceName,
    version: packageVersion(),
    logLevel,
    intervalMs: interval * MS_PER_S,
    page: fileURLToPath(packageFile("dist/web/")),
    ...(tls && { tls }),
  });
  const stop = new AbortController();
  await onInterrupt(
    // What it waits for in the end may take its time: who cannot wait ends it, and the next start recovers.
    (isAgain) => (isAgain ? process.exit(FAILED) : stop.abort()),
    async () => {
      print(`${started(server).join("\n")}\n`);
      await Promise.all([options.afterStart?.(server, stop.signal), stop.signal.aborted || once(stop.signal, "abort")]);
      note("ending");
      await server.close();
    },
  );
  return 0;
}

function started({ url, certificate, tokenFile, firstToken }: RunningServer): string[] {
  const where = [
    `vfleet listens at ${url}`,
    ...(certificate ? [`certificate: SHA-256 ${certificate.fingerprint}`, `its key: ${certificate.pin}`] : []),
  ];
  if (firstToken === undefined || isJournal()) return [...where, `the token is in ${tokenFile}`];
  return [...where, `open ${url}#token=${firstToken}`, `  shown this once; the token is in ${tokenFile} for you alone`];
}

/** Others read it, too: what is secret is not printed there (systemd.exec(5), JOURNAL_STREAM). */
function isJournal(): boolean {
  const { dev, ino } = fstatSync(process.stdout.fd);
  return process.env.JOURNAL_STREAM === `${dev}:${ino}`;
}

async function openHosts(sources: readonly string[], config: string | undefined): Promise<readonly NamedHost[]> {
  const hosts: NamedHost[] = [];
  for (const source of sources) {
    const name = freeName(nameOf(source), hosts);
    hosts.push({ name, setting: await openHost({ source, ...(config !== undefined && { config }) }) });
  }
  return hosts;
}

function nameOf(source: string): string {
  if (source === "linux") return hostname();
  return basename(source.slice(source.indexOf(":") + 1)).replace(/\.\w+$/, "");
}

function freeName(wanted: string, hosts: readonly NamedHost[]): string {
  const isTaken = (name: string) => hosts.some((host) => host.name === name);
  if (!isTaken(wanted)) return wanted;
  let number = 2;
  while (isTaken(`${wanted}-${number}`)) number++;
  return `${wanted}-${number}`;
}
