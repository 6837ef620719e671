import { readFunctionDetails } from "../../host/function-details.ts";
import { functionDetailsToJson } from "../../host/function-json.ts";
import { functionAt, readAnew, readInventory } from "../../host/inventory.ts";
import { known } from "../../kernel/port.ts";
import { bdf } from "../../pci/bdf.ts";
import { deviceName } from "../names.ts";
import { print, toJson } from "../output.ts";
import type { ServerOptions } from "../provision/access-options.ts";
import { openKernel } from "../provision/open-access.ts";
import { renderDetails } from "../render-details.ts";
import { renderHeadline, renderRegisters } from "../render-function.ts";

export interface ShowOptions extends ServerOptions {
  readonly source?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** `vfleet show BDF`: all of one function, as its host and as its registers have it. */
export async function show(address: string, options: ShowOptions): Promise<number> {
  const wanted = bdf(address);
  const inventory = await readInventory(await openKernel(options));
  const fn = await readAnew(inventory, functionAt(inventory, wanted));
  const details = await readFunctionDetails(inventory, fn);
  if (options.json) {
    print(`${toJson(functionDetailsToJson(fn, details, deviceName))}\n`);
    return 0;
  }
  const remark = fn.node.vf ? { remark: `VF ${fn.node.vf.index} of ${fn.node.vf.physfn}` } : {};
  const identity = { vendorId: known(fn.vendorId), deviceId: known(fn.deviceId), ...remark };
  const host = renderDetails(fn, details).join("\n");
  print(`${renderHeadline(fn.decoded, identity)}\n${host}\n${renderRegisters(fn.decoded, identity, options.verbose)}`);
  return 0;
}
