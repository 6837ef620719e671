import type { X509Certificate } from "node:crypto";
import { isIP, isIPv4 } from "node:net";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { ServerNames } from "./http/guard.ts";
import type { MachineNames } from "./machine-names.ts";
import { isNamed } from "./tls/own-certificate.ts";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** As it was given. */
  readonly text: string;
  /** As a URL has it. */
  readonly shownHost: string;
}

const MOST_PORT = 65_535;

/**
 * `127.0.0.1:7420`, `[::1]:7420`, `localhost:7420`; port 0 is any that is free.
 * @param hasTls whether other interfaces than the loopback may be listened on
 * @throws VfleetError VFL-0001, VFL-0508
 */
export function listenAddress(text: string, hasTls: boolean): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  const isName = host === "localhost";
  if (host === undefined || port > MOST_PORT || (!isName && isIP(host) === 0) || (bracketed && isIPv4(bracketed))) {
    throw new VfleetError("VFL-0001", {
      message: `--listen: "${text}" is not ADDRESS:PORT`,
      remedy: "write it as 127.0.0.1:7420 or [::1]:7420",
      details: { listen: text },
    });
  }
  const isLoopback = isName || host === "::1" || (isIPv4(host) && host.startsWith("127."));
  if (!isLoopback && !hasTls) {
    throw new VfleetError("VFL-0508", { message: `${text} is not the loopback interface`, details: { listen: text } });
  }
  return { host, port, text, shownHost: host.includes(":") ? `[${host}]` : host };
}

/**
 * Names of a server that listens there, whatever their case, at any port: it may be forwarded. The machine's own addresses are among
 * them, so that one that listens on all interfaces is reached by each of them, and the names of its certificate.
 * @param machine what the machine is called, now
 */
export function serverNames(
  { shownHost }: ListenAddress,
  machine: () => MachineNames,
  certificate?: X509Certificate,
): ServerNames {
  const fixed = new Set(["127.0.0.1", "localhost", "[::1]", shownHost.toLowerCase()]);
  return {
    isKnown(host) {
      const name = host.replace(/:\d+$/, "").toLowerCase();
      if (name === "" || fixed.has(name)) return name !== "";
      const { hostname, addresses } = machine();
      const bare = name.replace(/^\[(.*)\]$/, "$1");
      return (
        name === hostname.toLowerCase() ||
        addresses.includes(bare) ||
        (certificate !== undefined && isNamed(certificate, bare))
      );
    },
  };
}
