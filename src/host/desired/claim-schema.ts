import { z } from "zod";
import { optional, required } from "./field-docs.ts";
import { envelope } from "./policy-schema.ts";
import { selectSchema } from "./select-schema.ts";
import { macAddress, pciAddress, plainName } from "./text-schemas.ts";
import { refuseSharedAddresses, vfSettings } from "./vf-settings-schema.ts";

const numaNode = z.union([z.int().min(0).max(1023), z.literal("guest")], {
  error: "guest, or the number of a NUMA node was expected",
});

const constraintsSchema = z
  .strictObject({
    numaNode: optional(numaNode, {
      type: "number, or guest",
      description:
        "Only VFs of PFs at this NUMA node. guest: at the node that the guest is bound to, which must be known.",
      kernel: "numa_node; of a guest Mems_allowed of its process",
      example: "numaNode: guest",
    }),
    preferNumaNode: optional(numaNode, {
      type: "number, or guest",
      description:
        "VFs of PFs at this NUMA node first, and others where it has none left. guest: the node that the guest is bound to; where that is not known, any.",
      example: "preferNumaNode: guest",
    }),
    preferMac: optional(macAddress, {
      type: "MAC address",
      description:
        "The VF that has this administrative address first; where none has it, the claim's VF gets it, unless somebody else has it: then network.mac counts. For a claim of one VF.",
      example: 'preferMac: "02:00:00:00:00:0a"',
    }),
    samePf: optional(z.boolean(), {
      description: "All VFs of the claim are on one PF.",
      default: "false",
      example: "samePf: true",
    }),
    distinctPfs: optional(z.boolean(), {
      description: "Each VF of the claim is on another PF, as for a bond in the guest.",
      default: "false",
      example: "distinctPfs: true",
    }),
    vf: optional(
      z.strictObject({
        pf: required(pciAddress, {
          type: "PCI address",
          description: "The PF's address.",
          example: 'pf: "0000:3b:00.0"',
        }),
        vfIndex: required(z.int().min(0).max(0xfffe), {
          description: "The VF's number, from 0, as in virtfnN.",
          example: "vfIndex: 3",
        }),
      }),
      { description: "Exactly this VF.", example: 'vf: {pf: "0000:3b:00.0", vfIndex: 3}' },
    ),
  })
  .superRefine(({ samePf, distinctPfs }, context) => {
    if (samePf === true && distinctPfs === true) {
      context.addIssue({ code: "custom", path: ["distinctPfs"], message: "samePf wants the opposite" });
    }
  });

const LIFETIME = { error: "permanent, guest, or a time as 2026-12-31T18:00:00Z was expected" };
// A text that is no time fails in the last member alone, which the union answers with: both say it.
const lifetime = z.union([z.enum(["permanent", "guest"]), z.iso.datetime({ offset: true, ...LIFETIME })], LIFETIME);

/** A guest needs VFs. */
export const CLAIM_SCHEMA = z.strictObject({
  ...envelope("VfClaim"),
  spec: required(
    z
      .strictObject({
        guest: required(plainName, {
          type: "text",
          description: "The guest that gets them: a virtual machine's name, a container's.",
          example: "guest: web-1",
        }),
        pool: optional(plainName, {
          type: "text",
          description: "The pool that they come from. With select as well, both must hold.",
          example: "pool: fast",
        }),
        select: optional(selectSchema, {
          description: "PFs that they come from. Without pool, only VFs that are in no pool.",
          example: "select: {class: network, numaNode: 0}",
        }),
        count: optional(z.int().min(1).max(0xffff), {
          description: "How many VFs.",
          default: "1",
          example: "count: 2",
        }),
        ...vfSettings,
        lifetime: optional(lifetime, {
          type: "permanent, guest, or a time as 2026-12-31T18:00:00Z",
          description:
            "How long it has its VFs. permanent: until its document is taken away. guest: until the guest, once it was seen, is gone. A time: until then. What a claim had stays reserved after its end, and is made as new and given to others by vfleet release --ended.",
          default: "permanent",
          example: "lifetime: guest",
        }),
        constraints: optional(constraintsSchema, {
          description: "What the VFs must fulfil besides.",
          example: "constraints: {distinctPfs: true}",
        }),
      })
      .superRefine(({ pool, select, count = 1, network, constraints }, context) => {
        if (pool === undefined && select === undefined) {
          context.addIssue({
            code: "custom",
            message: "pool or select was expected, so that there are VFs to take from",
          });
        }
        if (count > 1) {
          refuseSharedAddresses(network, `${count} VFs`, context);
          if (constraints?.vf !== undefined) {
            context.addIssue({ code: "custom", path: ["count"], message: "constraints.vf names one VF" });
          }
          if (constraints?.preferMac !== undefined) {
            context.addIssue({ code: "custom", path: ["count"], message: "constraints.preferMac is for one VF" });
          }
        }
      }),
    { description: "What is needed.", example: "spec: {guest: web-1, pool: fast}" },
  ),
});

export type VfClaim = z.infer<typeof CLAIM_SCHEMA>;
