import { VfleetError } from "../../errors/vfleet-error.ts";
import { type HostOptions, openHost, operationSetting } from "../../fleet/host-setting.ts";
import { noteDamage } from "../note-damage.ts";
import { print, toJson } from "../output.ts";
import { renderOperation, renderOperations } from "../render-operation.ts";

/** `vfleet operations`: all of them, the newest first. */
export async function operations(options: HostOptions): Promise<number> {
  const host = await openHost(options);
  const all = await operationSetting(host).store.list(noteDamage);
  if (options.json) print(`${toJson({ source: host.kernel.source.name, operations: all.toReversed() })}\n`);
  else print(`${renderOperations(all).join("\n")}\n`);
  return 0;
}

/** `vfleet operations show N`: its steps, with old and new values, what was read back, and the kernel's words. */
export async function showOperation(number: string, options: HostOptions): Promise<number> {
  const host = await openHost(options);
  const wanted = /^\d{1,9}$/.test(number) ? Number(number) : 0;
  const operation = await operationSetting(host).store.read(wanted);
  if (operation === undefined) {
    throw new VfleetError("VFL-0001", {
      message: `there is no operation ${number}`,
      remedy: "list them with: vfleet operations",
    });
  }
  if (options.json) print(`${toJson({ source: host.kernel.source.name, operation })}\n`);
  else print(`${renderOperation(operation).join("\n")}\n`);
  return 0;
}
