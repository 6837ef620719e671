import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Kept } from "../../host/apply/operation.ts";
import { type PolicyFile, readPolicies } from "../../host/desired/read-documents.ts";
import { isRefused } from "../../host/plan/plan.ts";
import {
  checkNames,
  documentFile,
  documentName,
  documentVersion,
  readDesiredFolder,
} from "../../state/desired-folder.ts";
import type { HostSetting } from "../host-setting.ts";
import { planWishes, type Wishes } from "../wishes.ts";
import type { RequestOf } from "./change-request.ts";
import { type Draft, keepingOf, type Look } from "./planned-change.ts";

/** What is wanted, and what of it is kept. */
interface Wanted {
  readonly files: readonly PolicyFile[];
  readonly kept: readonly PolicyFile[];
  /** Whether it is made from what is kept already. */
  readonly fromFolder: boolean;
}

/**
 * Toward what is kept as wanted; beside that, what a document wants; or what files want alone.
 * @throws VfleetError VFL-0001 where files cannot be kept by their names; VFL-0016 where it is wrong, or says what another document
 * says, too; VFL-0232 where nothing is wanted; VFL-0513 where the document is another than the one that was edited,
 * or is to be new and is not
 */
export async function planApply(host: HostSetting, request: RequestOf<"apply">, look: Look): Promise<Draft> {
  const { config } = host.folders;
  const there = await readDesiredFolder(config);
  const { files, kept, fromFolder } = wantedBy(request, there);
  const wishes = await planWishes(host, fromFolder && kept.length === 0 ? undefined : files, look);
  const { state, plan, resolved } = wishes;
  const keeps = isRefused(plan) ? [] : kept;
  // Two documents of one name, in the folder and in a file that goes there under another name, would both be gone by.
  if (keeps.length > 0) readPolicies([...without(there, keeps), ...keeps]);
  const { allocations } = resolved;
  const hasNews = !isDeepStrictEqual(allocations, host.claims);
  return {
    host,
    state,
    plan,
    title: titleOf(wishes),
    ended: resolved.ended,
    keeps: keeps.map((file) => join(config, documentFile(file))),
    keeping: keepingOf(
      host,
      fromFolder || keeps.length > 0 ? there : undefined,
      hasNews || keeps.length > 0
        ? {
            ...(hasNews && { allocations: { from: host.claims, to: allocations } }),
            documents: changes(there, keeps),
          }
        : undefined,
    ),
  };
}

function wantedBy({ document, files, persist }: RequestOf<"apply">, there: readonly PolicyFile[]): Wanted {
  if (document !== undefined && files !== undefined) {
    throw new VfleetError("VFL-0001", { message: "what is to be applied?", remedy: "give a document, or files" });
  }
  if (files !== undefined) {
    if (persist) checkNames(files);
    return { files, kept: persist ? files : [], fromFolder: false };
  }
  if (document === undefined) return { files: there, kept: [], fromFolder: true };
  const { name, text, resourceVersion } = document;
  const old = there.find((each) => documentName(each) === name);
  // Of one that is not there the version is empty: whoever makes a new one by a name that is taken would take the other away.
  if (resourceVersion !== undefined && resourceVersion !== (old ? documentVersion(old) : "")) {
    const how = old === undefined ? "been taken away" : resourceVersion === "" ? "been there before" : "changed";
    throw new VfleetError("VFL-0513", { message: `the document ${name} has ${how}` });
  }
  // Under the ending that it has: another would be a second document of the same name.
  const file = { label: old ? basename(old.label) : `${name}.yaml`, text };
  // Alone first: what is wrong with it is told by its own lines.
  readPolicies([file]);
  return { files: [...without(there, [file]), file], kept: [file], fromFolder: true };
}

function without(there: readonly PolicyFile[], files: readonly PolicyFile[]): readonly PolicyFile[] {
  const names = new Set(files.map(documentFile));
  return there.filter(({ label }) => !names.has(basename(label)));
}

/** Documents as they are in the folder, and as they will be. */
function changes(there: readonly PolicyFile[], keeps: readonly PolicyFile[]): NonNullable<Kept["documents"]> {
  return keeps.map((file) => {
    const name = documentFile(file);
    return { name, from: there.find(({ label }) => basename(label) === name)?.text ?? null, to: file.text };
  });
}

function titleOf({ documents: { policies, claims } }: Wishes): string {
  const named = ([one, many]: readonly [string, string], names: readonly string[]) =>
    names.length === 0 ? [] : [`${names.length === 1 ? one : many} ${names.join(", ")}`];
  return [
    ...named(
      ["policy", "policies"],
      policies.map(({ metadata }) => metadata.name),
    ),
    ...named(
      ["claim", "claims"],
      claims.map(({ metadata }) => metadata.name),
    ),
  ].join("; ");
}
