import { VfleetError } from "../../errors/vfleet-error.ts";
import { noteDamage } from "../note-damage.ts";
import { print, toJson } from "../output.ts";
import type { AccessOptions } from "../provision/access-options.ts";
import { openAccess } from "../provision/open-access.ts";
import { renderOperation, renderOperations } from "../render-operation.ts";

/** `vfleet operations`: all of them, the newest first. */
export async function operations(options: AccessOptions): Promise<number> {
  const host = await openAccess(options);
  const { operations: all, damaged } = await host.operations();
  for (const damage of damaged) noteDamage(damage);
  if (options.json) print(`${toJson({ source: host.source, operations: all.toReversed() })}\n`);
  else print(`${renderOperations(all).join("\n")}\n`);
  return 0;
}

/** `vfleet operations show N`: its steps, with old and new values, what was read back, and the kernel's words. */
export async function showOperation(number: string, options: AccessOptions): Promise<number> {
  const host = await openAccess(options);
  const wanted = /^[1-9]\d{0,8}$/.test(number) ? Number(number) : undefined;
  const operation = wanted === undefined ? undefined : await host.operation(wanted);
  if (operation === undefined) {
    throw new VfleetError("VFL-0001", {
      message: `there is no operation ${number}`,
      remedy: "list them with: vfleet operations",
    });
  }
  if (options.json) print(`${toJson({ source: host.source, operation })}\n`);
  else print(`${renderOperation(operation).join("\n")}\n`);
  return 0;
}
