import { randomBytes, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Server as TlsServer } from "node:tls";
import type { FastifyBaseLogger } from "fastify";
import { VfleetError } from "../errors/vfleet-error.ts";
import { AerWatch } from "../fleet/aer-watch.ts";
import { type HostSetting, operationSetting } from "../fleet/host-setting.ts";
import { IommuFaultWatch } from "../fleet/iommu-fault-watch.ts";
import { ObjectCache } from "../fleet/object-cache.ts";
import { OperationList } from "../fleet/operation-list.ts";
import { recoverHost } from "../fleet/recover-host.ts";
import { viewHost } from "../fleet/view-host.ts";
import { WatchedHost } from "../fleet/watched-host.ts";
import { systemClock } from "../host/apply/clock.ts";
import type { DeviceNames } from "../host/device-names.ts";
import { takeProcessLock } from "../process-lock/process-lock.ts";
import { makePrivateFolder } from "../state/private-folder.ts";
import { AuditLog } from "./access/audit-log.ts";
import { TokenStore } from "./access/token-store.ts";
import type { Api } from "./http/api.ts";
import { buildServer } from "./http/build-server.ts";
import { type ListenAddress, serverNames } from "./listen-address.ts";
import { machineNames } from "./machine-names.ts";
import type { ManagedHost } from "./managed-host.ts";
import { openDatabase } from "./open-database.ts";
import { type CertificateMarks, marksOf } from "./tls/certificate-pin.ts";
import { keepOwnCertificate, type TlsFiles } from "./tls/own-certificate.ts";
import { tokenFile } from "./token-file.ts";

export interface ServeOptions {
  readonly hosts: readonly NamedHost[];
  readonly listen: ListenAddress;
  /** The server's own; made where it is not there. */
  readonly state: string;
  /** Files of one, or `own`: one that the server makes and renews. */
  readonly tls?: TlsFiles | "own";
  readonly names: DeviceNames;
  readonly version: string;
  /** Of pino: `info`, `warn`, `silent`, ... */
  readonly logLevel: string;
  /** Between two looks at a host. */
  readonly intervalMs: number;
  /** Where the page was built to; undefined: there is none. */
  readonly page?: string;
}

export interface NamedHost {
  readonly name: string;
  readonly setting: HostSetting;
}

export interface RunningServer {
  /** As a browser takes it. */
  readonly url: string;
  /** Undefined without TLS. */
  readonly certificate: CertificateMarks | undefined;
  /** Where the token of the first start is. */
  readonly tokenFile: string;
  /** Of the first start with this state folder alone: it is shown once. */
  readonly firstToken: string | undefined;
  /** Lets requests end, and gives everything back. */
  close(): Promise<void>;
}

const LOCK = "server.lock";
const FIRST_TOKEN = "first";
const EPOCH_BYTES = 6;
/** How often it is looked whether the server's own certificate still serves. */
const RENEWAL_MS = 6 * 60 * 60_000;

/**
 * Starts the server: hosts are watched, the API listens.
 * @throws VfleetError VFL-0307 where the folder cannot be written, VFL-0509 where another server has it or the address
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { state, listen, hosts, tls, names, version, logLevel, intervalMs, page } = options;
  makePrivateFolder(state);
  const lock = takeProcessLock(join(state, LOCK));
  if (lock === undefined) {
    throw new VfleetError("VFL-0509", { message: `another vfleet works with ${state}`, details: { path: state } });
  }
  const cache = new ObjectCache(randomBytes(EPOCH_BYTES).toString("hex"));
  const managed: ManagedHost[] = [];
  const recovered = new Map<ManagedHost, () => void>();
  const starting: Promise<void>[] = [];
  let database: DatabaseSync | undefined;
  let log: FastifyBaseLogger | undefined;
  const release = async (): Promise<void> => {
    await Promise.all(starting);
    await Promise.all(managed.map(({ watched }) => watched.stop()));
    if (database?.isOpen) database.close();
    lock.release();
  };
  try {
    database = openDatabase(state);
    const tokens = new TokenStore(database);
    const file = tokenFile(state);
    const renewed = () => keepOwnCertificate(join(state, "tls"), certificateNames(listen), new Date());
    const files = tls === "own" ? renewed() : tls;
    const certificate = files && new X509Certificate(readFileSync(files.certFile));
    const firstToken = makeFirstToken(tokens, file);
    for (const { name, setting } of hosts) {
      const { kernel } = setting;
      const operations = "write" in kernel ? new OperationList(operationSetting(setting).store) : undefined;
      const aer = new AerWatch(kernel, systemClock.elapsedMs);
      const iommuFaults = "logMark" in kernel ? new IommuFaultWatch(kernel) : undefined;
      const watched = new WatchedHost({
        name,
        source: kernel.source.name,
        observe: async () => {
          await iommuFaults?.look();
          const view = await viewHost(setting, operations);
          await aer.look(view.state);
          return view;
        },
        ...("uevents" in kernel && { events: (signal: AbortSignal) => kernel.uevents(signal) }),
        cache,
        names,
        clock: systemClock,
        intervalMs,
        onDeaf: (reason) => log?.warn({ host: name, reason }, "the host tells of no changes any more"),
      });
      const recovery = Promise.withResolvers<void>();
      const host = { name, setting, watched, aer, iommuFaults, recovered: recovery.promise };
      recovered.set(host, recovery.resolve);
      managed.push(host);
    }
    const api = await buildServer({
      cache,
      hosts: managed,
      tokens,
      audit: new AuditLog(database),
      names: serverNames(listen, machineNames, certificate),
      deviceNames: names,
      version,
      logLevel,
      ...(files && { tls: { ...files, isOwn: tls === "own" } }),
      ...(page !== undefined && { page }),
    });
    log = api.log;
    try {
      await api.listen({ host: listen.host, port: listen.port });
    } catch (cause) {
      const { code = "EIO" } = cause as NodeJS.ErrnoException;
      throw new VfleetError("VFL-0509", {
        message: `${listen.text} cannot be listened at: ${code}`,
        details: { listen: listen.text, errno: code },
        cause,
      });
    }
    // What an earlier server was killed in the middle of comes first: plans are made of what is, not of what was half done.
    for (const host of managed) {
      starting.push(
        recover(host, (damage) => api.log.error(damage))
          .catch((error: unknown) => api.log.error(error))
          .then(() => {
            recovered.get(host)?.();
            return host.watched.start();
          }),
      );
    }
    const renewal = tls === "own" && setInterval(() => takeRenewed(api, renewed), RENEWAL_MS).unref();
    const { port } = api.server.address() as AddressInfo;
    return {
      url: `${tls ? "https" : "http"}://${listen.shownHost}:${port}/`,
      certificate: certificate && marksOf(certificate),
      tokenFile: file,
      firstToken,
      async close() {
        if (renewal) clearInterval(renewal);
        await api.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

async function recover({ setting }: ManagedHost, onDamage: (damage: VfleetError) => void): Promise<void> {
  if ("write" in setting.kernel) await recoverHost(setting, { onDamage });
}

/** What a certificate of the server's own is for: all that the machine may be called by. */
function certificateNames({ host }: ListenAddress): readonly string[] {
  const { hostname, addresses } = machineNames();
  const isOne = host !== "0.0.0.0" && host !== "::" && host !== "localhost";
  return [...new Set([hostname, "localhost", ...(isOne ? [host] : []), "127.0.0.1", "::1", ...addresses])];
}

/** A certificate that was made anew is for those who connect from now on. */
function takeRenewed(api: Api, renewed: () => ReturnType<typeof keepOwnCertificate>): void {
  try {
    const { isNew, certFile, keyFile } = renewed();
    if (!isNew) return;
    (api.server as unknown as TlsServer).setSecureContext({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
    api.log.info("the certificate was made anew");
  } catch (error) {
    api.log.error(error);
  }
}

/** @returns undefined where there are tokens already */
function makeFirstToken(tokens: TokenStore, file: string): string | undefined {
  if (tokens.list().length > 0) return undefined;
  const token = tokens.create(FIRST_TOKEN, "admin", new Date());
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: "w" });
  return token;
}
