import { pfAt, physicalFunctions, readInventory } from "../../host/inventory.ts";
import { readHostFacts, type VfUse } from "../../host/preflight/facts.ts";
import { type Preflight, preflightToJson, preflight as runPreflight } from "../../host/preflight/preflight.ts";
import { known } from "../../kernel/port.ts";
import { bdf } from "../../pci/bdf.ts";
import { hostLine } from "../host-line.ts";
import { shortDeviceName } from "../names.ts";
import { print, toJson } from "../output.ts";
import type { ServerOptions } from "../provision/access-options.ts";
import { openKernel } from "../provision/open-access.ts";
import { renderPreflight } from "../render-findings.ts";

export interface PreflightOptions extends ServerOptions {
  readonly source?: string;
  readonly vfs?: number;
  readonly use?: VfUse;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

const REFUSED = 3;

/** `vfleet preflight [BDF]`: can these VFs be made, and what stands in the way? Exit code 3 where one PF is refused. */
export async function preflight(address: string | undefined, options: PreflightOptions): Promise<number> {
  const wanted = address === undefined ? undefined : bdf(address);
  const inventory = await readInventory(await openKernel(options));
  const pfs = wanted === undefined ? physicalFunctions(inventory) : [pfAt(inventory, wanted)];
  const hostFacts = await readHostFacts(inventory.kernel);
  const results: Preflight[] = [];
  for (const pf of pfs)
    results.push(await runPreflight(inventory, pf, { vfs: options.vfs, use: options.use, hostFacts }));
  if (options.json) {
    print(`${toJson({ source: inventory.kernel.source.name, preflights: results.map(preflightToJson) })}\n`);
  } else {
    print(`${await hostLine(inventory, hostFacts)}\n`);
    if (pfs.length === 0) print("\nNo function here has SR-IOV, so there is nothing to check.\n");
    for (const [index, result] of results.entries()) {
      const pf = pfs[index];
      const name = pf ? shortDeviceName(known(pf.vendorId), known(pf.deviceId)) : "";
      print(`\n${renderPreflight(result, name, options.verbose === true).join("\n")}\n`);
    }
  }
  return results.some(({ verdict }) => verdict === "refuse") ? REFUSED : 0;
}
