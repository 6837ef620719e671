import { VfleetError } from "../../errors/vfleet-error.ts";
import { type HostOptions, type HostSetting, openHost, operationSetting } from "../../fleet/host-setting.ts";
import { planWishes } from "../../fleet/wishes.ts";
import type { Operation } from "../../host/apply/operation.ts";
import { endedClaims } from "../../host/desired/claim-lifetime.ts";
import type { PolicyFile } from "../../host/desired/read-documents.ts";
import { readPolicyFiles } from "../../state/read-policy-file.ts";
import { noteDamage } from "../note-damage.ts";
import { print, toJson } from "../output.ts";
import { endedLines } from "../render-ended.ts";
import { renderStatus } from "../render-status.ts";

export interface StatusOptions extends HostOptions {
  readonly file?: readonly string[];
}

/** `vfleet status`: what is there, what is wanted, who has it; unfinished operations first. */
export async function status(options: StatusOptions): Promise<number> {
  const host = await openHost(options);
  const unfinished = await unfinishedOperations(host);
  const wishes = await wishesOf(host, await readPolicyFiles(options.file));
  const state = wishes?.state ?? (await host.planning.observe());
  const plan = wishes?.plan;
  const ended = wishes?.resolved.ended ?? endedClaims([], host.claims, state.guests, new Date());
  if (options.json) {
    print(`${toJson({ source: host.kernel.source.name, unfinished, ended, plan: plan ?? null, state })}\n`);
  } else {
    print(`${[...endedLines(ended, state), ...renderStatus({ state, plan, unfinished })].join("\n")}\n`);
  }
  return 0;
}

async function unfinishedOperations(host: HostSetting): Promise<readonly Operation[]> {
  if (!("write" in host.kernel)) return [];
  const all = await operationSetting(host).store.list(noteDamage);
  return all.filter(({ state }) => state === "applying" || state === "undoing" || state === "stuck");
}

/** Nothing may be wanted yet. */
async function wishesOf(host: HostSetting, files: readonly PolicyFile[] | undefined) {
  try {
    return await planWishes(host, files);
  } catch (error) {
    if (error instanceof VfleetError && error.code === "VFL-0232" && files === undefined) return undefined;
    throw error;
  }
}
