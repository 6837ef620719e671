import { isIP, isIPv4 } from "node:net";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { ServerNames } from "./http/guard.ts";

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
 * Names of a server that listens there, whatever their case, at any port: it may be forwarded.
 * @param hostname the machine's, which may change while the server runs
 */
export function serverNames({ shownHost }: ListenAddress, hostname: () => string): ServerNames {
  const fixed = new Set(["127.0.0.1", "localhost", "[::1]", shownHost.toLowerCase()]);
  return {
    isKnown(host) {
      const name = host.replace(/:\d+$/, "").toLowerCase();
      return fixed.has(name) || name === hostname().toLowerCase();
    },
  };
}
