import { VfleetError } from "../../errors/vfleet-error.ts";
import type { SeenGuest } from "../../host/guest-port.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { attachmentWords } from "../../host/words/vf-changes.ts";
import { print, toJson } from "../output.ts";
import type { AccessOptions } from "../provision/access-options.ts";
import { openAccess } from "../provision/open-access.ts";
import { paint } from "../terminal.ts";

/** `vfleet guests`: who VFs can be given to, and who has which. */
export async function guests(options: AccessOptions): Promise<number> {
  const host = await openAccess(options);
  const state = await host.look();
  const { guests: seen } = state;
  if (seen === undefined) throw new VfleetError("VFL-0223", { details: { source: host.source } });
  if (options.json) {
    print(`${toJson({ source: host.source, ...seen })}\n`);
    return 0;
  }
  const lines = seen.guests.flatMap((guest) => guestLines(guest, state));
  const gaps = seen.gaps.map(({ path, reason }) => paint("faint", `not looked at: ${path}: ${reason}`));
  print(`${[...(lines.length === 0 ? ["no guests were seen"] : lines), ...gaps].join("\n")}\n`);
  return 0;
}

function guestLines({ address, pid, running, devices, unreachable }: SeenGuest, { pfs }: HostState): readonly string[] {
  const facts = [
    running ? (pid === null ? "runs" : `process ${pid}`) : "does not run",
    ...(unreachable ? [unreachable] : []),
  ];
  const vfs = devices.map(({ bdf, byVfleet, ...how }) => {
    const pf = pfs.find((each) => each.vfs.some((vf) => vf.bdf === bdf));
    const vf = pf?.vfs.find((each) => each.bdf === bdf);
    const what = pf && vf ? `  VF ${vf.vfIndex} of ${pf.bdf}` : "";
    return `  ${bdf}${what}${attachmentWords(how)}${byVfleet ? "" : paint("faint", "  not given by vfleet")}`;
  });
  return [`${paint("strong", address)}  ${facts.join(", ")}`, ...vfs];
}
