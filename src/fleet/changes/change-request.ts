import { z } from "zod";

const MOST_TEXT = 512 * 1024;
const MOST_FILES = 64;
const MOST_TIMEOUT_S = 65_535;

/** Of a document: it becomes a file's. */
export const DOCUMENT_NAME = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, "lower case letters, digits, - and .");

const TEXT = z.string().max(MOST_TEXT).describe("YAML: VfPolicy, VfClaim");
const NAME = z.string().min(1).max(256);
/** Policies and claims. */
export const FILES = z
  .array(z.strictObject({ label: NAME.describe("its name, for what is wrong with it"), text: TEXT }))
  .max(MOST_FILES);
const VF = NAME.describe("as 0000:01:00.0-vf3");
const CLAIM = NAME.describe("the VFs of a claim instead");

/** What a change is asked for: data, of a command line and of the API alike. */
export const CHANGE_REQUEST = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("apply"),
    document: z
      .strictObject({
        name: DOCUMENT_NAME,
        text: TEXT,
        resourceVersion: z
          .string()
          .max(64)
          .optional()
          .describe(
            "of the document that was edited: refused where it is another by now, or gone; empty: of a new one, refused where its name is taken",
          ),
      })
      .optional()
      .describe("wanted beside what is kept already, and kept by its name once the plan was done"),
    files: FILES.optional().describe("these alone are wanted; without document and files, what is kept already"),
    persist: z.boolean().optional().describe("keep the files, too"),
  }),
  z.strictObject({ kind: z.literal("undo"), operation: z.int().min(1).max(999_999_999) }),
  z.strictObject({
    kind: z.literal("set"),
    vf: VF,
    settings: z.record(z.string().max(64), z.unknown()).describe("by the names that policies have, as vlan"),
  }),
  z.strictObject({ kind: z.literal("bind"), vf: VF, driver: NAME.describe("default, none, vfio, or a driver's name") }),
  z.strictObject({ kind: z.literal("reset"), vf: VF }),
  z.strictObject({
    kind: z.literal("attach"),
    vf: VF.optional(),
    claim: CLAIM.optional(),
    guest: NAME.optional().describe("as model:web; left out with a claim that names its guest"),
    persistent: z.boolean().optional(),
    managed: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal("detach"), vf: VF.optional(), claim: CLAIM.optional() }),
  z
    .strictObject({
      kind: z.literal("release"),
      pfs: z.array(NAME).max(4096).optional(),
      all: z.literal(true).optional(),
      policy: NAME.optional().describe("the PFs of a policy"),
      files: FILES.optional().describe("where the policy is; what is kept where left out"),
      claim: NAME.optional(),
      ended: z.literal(true).optional().describe("all claims whose lifetime is over"),
    })
    .describe("exactly one of pfs, all, policy, claim, ended"),
  z.strictObject({
    kind: z.literal("migrate"),
    guest: NAME,
    destination: NAME.describe("the guest that waits for it, as qemu:web-dst; of the model another host"),
    method: z.enum(["auto", "vfio", "failover"]).optional(),
    vf: VF.optional().describe("what it gets there; one that is free where left out"),
    probe: z
      .union([z.ipv4(), z.ipv6()])
      .optional()
      .describe("the guest's address: pinged while it moves, so that the time without traffic is measured"),
    timeoutSeconds: z.int().min(1).max(MOST_TIMEOUT_S).optional().describe("for its memory to move"),
  }),
]);

export type ChangeRequest = z.infer<typeof CHANGE_REQUEST>;
export type RequestOf<Kind extends ChangeRequest["kind"]> = Extract<ChangeRequest, { readonly kind: Kind }>;
