import { Document, isMap, isNode, parseAllDocuments, visit } from "yaml";
import { z } from "zod";

/** A policy as the form has it: what is typed, empty where it is left out. */
export interface PolicyForm {
  readonly name: string;
  /** The PF's address. */
  readonly pf: string;
  readonly numVfs: string;
  readonly onShrink: "" | "refuse" | "drain";
  readonly up: Switch;
  readonly pools: readonly PoolForm[];
}

export interface PoolForm {
  readonly range: string;
  readonly pool: string;
  readonly driver: string;
  readonly mac: "" | "auto" | "random" | "keep";
  readonly vlan: string;
  readonly spoofCheck: Switch;
  readonly trust: Switch;
  readonly minTxRateMbps: string;
  readonly maxTxRateMbps: string;
}

/** Left as it is, or set. */
export type Switch = "" | "on" | "off";

export const EMPTY_POOL: PoolForm = {
  range: "",
  pool: "",
  driver: "",
  mac: "",
  vlan: "",
  spoofCheck: "",
  trust: "",
  minTxRateMbps: "",
  maxTxRateMbps: "",
};

const amount = z.union([z.int(), z.string()]);

/** What the form can say of a policy; whether its values are right is the policy's schema to tell. */
const SAID = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1alpha1"),
  kind: z.literal("VfPolicy"),
  metadata: z.strictObject({ name: z.string() }),
  spec: z.strictObject({
    select: z.strictObject({ bdf: z.string() }),
    numVfs: amount.optional(),
    onShrink: z.enum(["refuse", "drain"]).optional(),
    pf: z.strictObject({ up: z.boolean() }).optional(),
    vfs: z
      .array(
        z.strictObject({
          range: amount,
          pool: z.string().optional(),
          driver: z.string().optional(),
          network: z
            .strictObject({
              mac: z.enum(["auto", "random", "keep"]).optional(),
              vlan: amount.optional(),
              spoofCheck: z.boolean().optional(),
              trust: z.boolean().optional(),
              minTxRateMbps: amount.optional(),
              maxTxRateMbps: amount.optional(),
            })
            .optional(),
        }),
      )
      .optional(),
  }),
});
type Said = z.infer<typeof SAID>;

/** The policy's YAML, in the style of the examples. */
export function policyText({ name, pf, numVfs, onShrink, up, pools }: PolicyForm): string {
  const said: Said = {
    apiVersion: "vfleet.dev/v1alpha1",
    kind: "VfPolicy",
    metadata: { name },
    spec: {
      select: { bdf: pf },
      ...(numVfs === "" ? {} : { numVfs: typed(numVfs) }),
      ...(onShrink === "" ? {} : { onShrink }),
      ...(up === "" ? {} : { pf: { up: up === "on" } }),
      ...(pools.length === 0 ? {} : { vfs: pools.map(saidOf) }),
    },
  };
  const document = new Document(said);
  // Small mappings on a line each, as a person writes them.
  visit(document, {
    Map(_key, node, path) {
      const isSmall = node.items.every(({ value }) => !(isNode(value) && "items" in value));
      if (path.length > 1 && isSmall && !node.has("range")) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function saidOf(form: PoolForm): NonNullable<Said["spec"]["vfs"]>[number] {
  const { range, pool, driver, mac, vlan, spoofCheck, trust, minTxRateMbps, maxTxRateMbps } = form;
  const network = {
    ...(mac === "" ? {} : { mac }),
    ...(vlan === "" ? {} : { vlan: typed(vlan) }),
    ...(spoofCheck === "" ? {} : { spoofCheck: spoofCheck === "on" }),
    ...(trust === "" ? {} : { trust: trust === "on" }),
    ...(minTxRateMbps === "" ? {} : { minTxRateMbps: typed(minTxRateMbps) }),
    ...(maxTxRateMbps === "" ? {} : { maxTxRateMbps: typed(maxTxRateMbps) }),
  };
  return {
    range: typed(range),
    ...(pool === "" ? {} : { pool }),
    ...(driver === "" ? {} : { driver }),
    ...(Object.keys(network).length === 0 ? {} : { network }),
  };
}

/** What is no number stays as it was typed: the schema says what is wrong with it. */
function typed(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** @returns the form of a YAML text, or why it has none */
export function policyForm(text: string): PolicyForm | { readonly why: string } {
  const stream = parseAllDocuments(text, { prettyErrors: false, stringKeys: true, schema: "core" });
  const [document, ...more] = "empty" in stream ? [] : stream;
  if (document === undefined) return { why: "The YAML is empty." };
  if (more.length > 0) return { why: "The YAML has several documents; the form shows one policy." };
  if (document.errors.length > 0) return { why: "The YAML cannot be read." };
  if (hasComments(document)) return { why: "The YAML has comments, which the form would lose." };
  if (!isMap(document.contents)) return { why: "The YAML is no policy." };
  const result = SAID.safeParse(document.toJS({ maxAliasCount: 10 }));
  if (!result.success) return { why: whyNot(result.error.issues[0]) };
  const { metadata, spec } = result.data;
  return {
    name: metadata.name,
    pf: spec.select.bdf,
    numVfs: textOf(spec.numVfs),
    onShrink: spec.onShrink ?? "",
    up: switchOf(spec.pf?.up),
    pools: (spec.vfs ?? []).map(({ range, pool = "", driver = "", network = {} }) => ({
      range: String(range),
      pool,
      driver,
      mac: network.mac ?? "",
      vlan: textOf(network.vlan),
      spoofCheck: switchOf(network.spoofCheck),
      trust: switchOf(network.trust),
      minTxRateMbps: textOf(network.minTxRateMbps),
      maxTxRateMbps: textOf(network.maxTxRateMbps),
    })),
  };
}

function textOf(value: number | string | undefined): string {
  return value === undefined ? "" : String(value);
}

function switchOf(value: boolean | undefined): Switch {
  return value === undefined ? "" : value ? "on" : "off";
}

function hasComments(document: ReturnType<typeof parseAllDocuments>[number] & Document): boolean {
  let found = Boolean(document.comment) || Boolean(document.commentBefore);
  visit(document, {
    Node(_key, node) {
      found ||= Boolean(node.comment) || Boolean(node.commentBefore);
    },
  });
  return found;
}

function whyNot(issue: z.core.$ZodIssue | undefined): string {
  const path = (issue?.path ?? []).map((part, place) =>
    typeof part === "number" ? `[${part}]` : `${place > 0 ? "." : ""}${String(part)}`,
  );
  const at = path.join("");
  if (issue?.code === "unrecognized_keys") {
    return `The YAML says ${at === "" ? "" : `${at}.`}${issue.keys[0]}, which the form does not have.`;
  }
  return at === "kind" ? "The YAML is no VfPolicy." : `The form cannot show what the YAML says of ${at || "itself"}.`;
}
