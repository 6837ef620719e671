import type { ObjectOf } from "../api/objects.ts";
import { mostVfs } from "./pf-label.ts";
import { EMPTY_POOL, policyForm, policyText } from "./policy-form.ts";
import type { DesiredDocument } from "./use-documents.ts";

/** What an editor begins with. */
export type Draft = Pick<DesiredDocument, "name" | "text"> & Partial<Pick<DesiredDocument, "resourceVersion">>;

/** The document that is about a PF alone, where there is one; else a new one, with what the PF can have. */
export function draftFor(pf: ObjectOf<"PhysicalFunction">, documents: readonly DesiredDocument[]): Draft {
  return documents.find(({ text }) => isAbout(text, pf.metadata.name)) ?? newDraft(pf);
}

function isAbout(text: string, pf: string): boolean {
  const form = policyForm(text);
  return !("why" in form) && form.pf === pf;
}

function newDraft({ metadata, status }: ObjectOf<"PhysicalFunction">): Draft {
  const name = metadata.name.replaceAll(":", "-");
  const most = mostVfs(status);
  const numVfs = status.numVfs || most;
  const isNetwork = (status.netdevs?.length ?? 0) > 0;
  const text = policyText({
    name,
    pf: metadata.name,
    numVfs: numVfs ? String(numVfs) : "",
    onShrink: "",
    up: isNetwork ? "on" : "",
    // No driver: a VF that is given to a guest is on another, and would not be as it is desired.
    pools: [{ ...EMPTY_POOL, range: "0-", mac: isNetwork ? "auto" : "" }],
  });
  return { name, text };
}
