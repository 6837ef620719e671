import { z } from "zod";
import { type Unread, unread } from "../../../kernel/port.ts";
import type { DeviceUser, UseKind } from "../../../kernel/port-users.ts";
import { readPolicies } from "../../desired/read-documents.ts";
import { resolveDesired } from "../../desired/resolve-desired.ts";
import type { Attachment } from "../../guest-port.ts";
import { withClaims } from "../../state/claim-users.ts";
import type { HostState } from "../../state/host-state.ts";
import { hostState, nvmePf, type PfParts, pfState, usedBy } from "../../state/testing/host-state-builder.ts";
import { isRefused, type Plan } from "../plan.ts";
import { planHost } from "../plan-host.ts";
import type { Step, VfSettingChange } from "../step.ts";

/**
 * A case of the planner, for people to read: what is there, what is wanted, what is planned. PFs are told by what differs from
 * an 82576 with igb and no VFs; VFs by what differs from one that is bound to igbvf and used by nobody.
 *
 * Short forms: `unread` is what could not be read; `users: KIND` is somebody who uses a VF so, `users: unknown` means that nobody
 * could look; `nvmeVfs` are secondary controllers, to which `boundVfs` binds nvme.
 */
export const CASE_SCHEMA = z.strictObject({
  about: z.string(),
  current: z.array(z.record(z.string(), z.unknown())),
  host: z.record(z.string(), z.unknown()).optional(),
  /** Which VFs claims were given before: `NAME: [PF, vfIndex]`. */
  claims: z.record(z.string(), z.tuple([z.string(), z.int()])).optional(),
  desired: z.array(z.looseObject({ kind: z.enum(["VfPolicy", "VfClaim"]).optional(), name: z.string() })),
  plan: z.array(z.string()),
});

export type PlannerCase = z.infer<typeof CASE_SCHEMA>;

/** The plan of a case. */
export function planOf({ current, desired, host = {}, claims: held = {} }: PlannerCase): Plan {
  const state = stateOf(current, host);
  const text = desired
    .map(({ kind = "VfPolicy", name, ...spec }) =>
      JSON.stringify({ apiVersion: "vfleet.dev/v1alpha1", kind, metadata: { name }, spec }),
    )
    .join("\n---\n");
  const documents = readPolicies([{ label: "desired", text }]);
  const claims = Object.entries(held).map(([claim, [pf, vfIndex]]) => {
    const pfKey = state.pfs.find(({ bdf }) => bdf === pf)?.identity.key ?? "";
    return { claim, pfKey, vfIndex, mac: null };
  });
  const resolved = resolveDesired({
    documents,
    state,
    claims,
    random: (count) => new Uint8Array(count).fill(7),
    now: new Date(0),
  });
  const { desired: wanted, refusals } = resolved;
  return planHost({ state: withClaims(state, claims), desired: wanted, refusals });
}

function stateOf(pfs: PlannerCase["current"], host: Readonly<Record<string, unknown>>): HostState {
  const states = pfs.map((parts) => {
    const { nvmeVfs, boundVfs, ...rest } = longForm(parts) as PfParts & {
      readonly nvmeVfs?: NonNullable<Parameters<typeof nvmePf>[0]>["vfs"];
      readonly boundVfs?: boolean;
    };
    const whole = { ...rest, ...(rest.users ? { users: usersOf(rest.users) } : {}) } as PfParts;
    if (nvmeVfs !== undefined) {
      const pf = nvmePf({ ...whole, vfs: nvmeVfs });
      return boundVfs ? { ...pf, vfs: pf.vfs.map((vf) => ({ ...vf, driver: "nvme" })) } : pf;
    }
    const vfs = Array.isArray(whole.vfs)
      ? whole.vfs.map((vf) => ({ ...vf, ...(vf.users ? { users: usersOf(vf.users) } : {}) }))
      : whole.vfs;
    return pfState({ ...whole, ...(vfs === undefined ? {} : { vfs }) });
  });
  return { ...hostState([], longForm(host) as object), pfs: states };
}

/** `unread` for an observation that was not made. */
function longForm(value: unknown): unknown {
  if (value === "unread") return missing();
  if (Array.isArray(value)) return value.map(longForm);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, longForm(inner)]));
}

function missing(): Unread {
  return unread("somewhere", "EACCES");
}

function usersOf(users: unknown) {
  if (users === "unknown") {
    return { users: [], idle: [], notLookedAt: [{ way: "openFiles" as const, errno: "EACCES", reason: "not root" }] };
  }
  const kind = String(users) as UseKind;
  const user: DeviceUser = { kind, who: { pid: 4242 }, evidence: `${kind} of process 4242` };
  return usedBy(user);
}

/** A plan in lines that are equal where plans are. */
export function planLines(plan: Plan): string[] {
  const refusal = (word: string) => (each: Plan["refusals"][number]) =>
    [
      word,
      each.code,
      ...(each.pf === undefined ? [] : [each.pf]),
      ...(each.vfIndex === undefined ? [] : [`VF ${each.vfIndex}`]),
      each.summary,
      ...(each.users ?? []).map(({ vfIndex, user }) => `(VF ${vfIndex}: ${user.evidence})`),
    ].join(" ");
  return [
    ...plan.refusals.map(refusal("refused")),
    ...plan.pfs.flatMap((pf) => [
      ...pf.refusals.map(refusal("refused")),
      ...pf.warnings.map(refusal("note")),
      // Of a plan that is refused nothing is done.
      ...(isRefused(plan) ? [] : pf.steps.map(stepLine)),
      ...(isRefused(plan) ? [] : pf.affected.map((each) => `notices ${pf.pf} VF ${each.vfIndex} ${each.how}`)),
    ]),
  ];
}

function stepLine(step: Step): string {
  switch (step.kind) {
    case "loadModule":
      return `loadModule ${step.module}`;
    case "setPfUp":
      return `setPfUp ${step.pf} ${step.from} -> ${step.to}${step.awaitCarrier ? " and await its link" : ""}`;
    case "awaitVfs":
      return `awaitVfs ${step.pf} ${step.count}`;
    case "setVfNetwork":
      return `setVfNetwork ${step.pf} ${step.changes.map(changeText).join("; ")}`;
    case "resetVf":
      return `resetVf ${step.pf} VF ${step.vfIndex}`;
    case "attachGuest":
    case "detachGuest":
      return [step.kind, step.pf, "VF", step.vfIndex, step.guest, ...attachmentText(step.attachment)].join(" ");
    case "assignNvmeResources":
      return `assignNvmeResources ${step.pf} VF ${step.vfIndex} ${step.resource} ${step.from} -> ${step.to}`;
    default:
      return `${step.kind} ${step.pf}${"vfIndex" in step ? ` VF ${step.vfIndex}` : ""} ${step.from} -> ${step.to}`;
  }
}

function attachmentText({ place, managed }: Attachment = {}): readonly string[] {
  return [...(place ? [place] : []), ...(managed ? ["managed"] : [])];
}

function changeText({ to }: VfSettingChange): string {
  const { vfIndex, ...settings } = to;
  const facts = Object.entries(settings).map(([name, value]) =>
    typeof value === "object" ? `${name} ${Object.values(value).join("/")}` : `${name} ${value}`,
  );
  return `VF ${vfIndex} ${facts.join(", ")}`;
}
