import { Document } from "yaml";

/** A claim as the form has it: what is typed, empty where it is left out. */
export interface ClaimForm {
  readonly name: string;
  readonly guest: string;
  readonly pool: string;
  /** The PF's address; empty: any. */
  readonly pf: string;
  readonly count: string;
  readonly vlan: string;
  readonly lifetime: "permanent" | "guest" | "time";
  /** Of the lifetime `time`: as 2026-12-31T18:00. */
  readonly until: string;
}

export const EMPTY_CLAIM: ClaimForm = {
  name: "",
  guest: "",
  pool: "",
  pf: "",
  count: "1",
  vlan: "",
  lifetime: "permanent",
  until: "",
};

/** The claim's YAML, in the style of the examples. */
export function claimText({ name, guest, pool, pf, count, vlan, lifetime, until }: ClaimForm): string {
  const document = new Document({
    apiVersion: "vfleet.dev/v1alpha1",
    kind: "VfClaim",
    metadata: { name },
    spec: {
      guest,
      ...(pool === "" ? {} : { pool }),
      ...(pf === "" ? {} : { select: { bdf: pf } }),
      ...(count === "" || count === "1" ? {} : { count: numberOr(count) }),
      ...(vlan === "" ? {} : { network: { vlan: numberOr(vlan) } }),
      ...(lifetime === "permanent" ? {} : { lifetime: lifetime === "time" ? timeOf(until) : lifetime }),
    },
  });
  for (const path of [["metadata"], ["spec", "select"], ["spec", "network"]]) {
    const node = document.getIn(path) as { flow?: boolean } | undefined;
    if (node !== undefined) node.flow = true;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** What is no number stays as it was typed: the schema says what is wrong with it. */
function numberOr(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** What a browser gives is the time of who sits at it. */
function timeOf(local: string): string {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? local : time.toISOString();
}

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/**
 * Why a claim cannot be planned; undefined where it can.
 * @param documents that are kept already: none of them is replaced by a new claim; undefined: not read yet
 * @param wrong what is wrong with its text
 */
export function whyNotClaimed(
  { name, guest }: ClaimForm,
  documents: ReadonlyArray<{ readonly name: string }> | undefined,
  wrong: string | undefined,
): string | undefined {
  if (!NAME.test(name)) return "The claim wants a name: lower case letters, digits, - and .";
  if (documents === undefined) return "What is desired already is being read.";
  if (documents.some((each) => each.name === name)) return `A document ${name} is kept already: take another name.`;
  if (guest === "") return "The claim wants a guest.";
  return wrong;
}
