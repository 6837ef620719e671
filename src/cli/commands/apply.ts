import { basename } from "node:path";
import { openHost } from "../../fleet/host-setting.ts";
import { planWishes, type Wishes } from "../../fleet/wishes.ts";
import { readPolicies } from "../../host/desired/read-documents.ts";
import { isRefused } from "../../host/plan/plan.ts";
import { keepAllocations, keepDocument, readDesiredFolder } from "../../state/desired-folder.ts";
import { note, print } from "../output.ts";
import { type RunOptions, runPlan } from "../provision/run-plan.ts";
import { endedLines } from "../render-ended.ts";

export interface ApplyOptions extends RunOptions {
  readonly file?: readonly string[];
  readonly persist?: boolean;
}

/** `vfleet apply`: makes the host what is wanted, or leaves it as it was. */
export async function apply(options: ApplyOptions): Promise<number> {
  const host = await openHost(options);
  const wishes = await planWishes(host, options.file);
  const { plan, state, resolved } = wishes;
  if (!options.json) for (const line of endedLines(resolved.ended, state)) print(`${line}\n`);
  const keeps = options.persist === true && options.file !== undefined && !isRefused(plan);
  // What cannot be kept is told before anything is done.
  if (keeps) await checkKept(host.folders.config, wishes);
  const { exitCode } = await runPlan(wishes.host, state, plan, { kind: "apply", title: titleOf(wishes) }, options);
  if (exitCode !== 0 || options.dryRun) return exitCode;
  if (resolved.allocations.length > 0 || host.claims.length > 0) {
    await keepAllocations(host.folders.state, resolved.allocations);
  }
  if (keeps) {
    for (const file of wishes.files) note(`kept for the next boot: ${await keepDocument(host.folders.config, file)}`);
  }
  return exitCode;
}

/** Two documents of one name, in the folder and in a file that goes there under another name, would both be gone by. */
async function checkKept(folder: string, { files }: Wishes): Promise<void> {
  const names = new Set(files.map(({ label }) => basename(label)));
  const there = (await readDesiredFolder(folder)).filter(({ label }) => !names.has(basename(label)));
  readPolicies([...there, ...files]);
}

function titleOf({ documents: { policies, claims } }: Wishes): string {
  const named = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${names.length === 1 ? what : `${what}s`} ${names.join(", ")}`];
  return [
    ...named(
      "policy",
      policies.map(({ metadata }) => metadata.name),
    ).map((text) => text.replace("policys", "policies")),
    ...named(
      "claim",
      claims.map(({ metadata }) => metadata.name),
    ),
  ].join("; ");
}
