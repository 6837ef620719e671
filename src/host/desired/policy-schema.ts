import { z } from "zod";
import { optional, required } from "./field-docs.ts";
import { selectSchema } from "./select-schema.ts";
import { numVfsWish, objectName, plainName, vfRange } from "./text-schemas.ts";
import { isSingleVf } from "./vf-range.ts";
import { refuseSharedAddresses, vfSettings } from "./vf-settings-schema.ts";

const label = z.string().max(256);

/** What all objects begin with. */
export function envelope<Kind extends string>(kind: Kind) {
  return {
    apiVersion: required(z.literal("vfleet.dev/v1alpha1"), {
      description: "The version of this format.",
      example: "apiVersion: vfleet.dev/v1alpha1",
    }),
    kind: required(z.literal(kind), { description: "What the document is.", example: `kind: ${kind}` }),
    metadata: required(
      z.strictObject({
        name: required(objectName, {
          type: "text: lower case letters, digits, - and .",
          description: "Its name, by which plans and refusals call it. No two of a kind have the same.",
          example: "name: tenant-net",
        }),
        labels: optional(z.record(label, label), {
          type: "mapping of text to text",
          description: "For you: vfleet keeps them and makes nothing of them.",
          example: "labels: {team: storage}",
        }),
      }),
      { description: "Its name and labels.", example: "metadata: {name: tenant-net}" },
    ),
  };
}

const vfEntry = z
  .strictObject({
    range: required(vfRange, {
      type: 'text or number: 3, 0-3, "0-1,4", or 4- for all from 4 on',
      description: "Which VFs, by vfIndex from 0. With a comma it wants quotes within braces.",
      example: "range: 0-3",
    }),
    pool: optional(plainName, {
      type: "text",
      description: "The pool that these VFs are in. A claim takes VFs from a pool by its name.",
      default: "in no pool",
      example: "pool: fast",
    }),
    ...vfSettings,
  })
  .superRefine(({ range, network }, context) => {
    if (!isSingleVf(range)) refuseSharedAddresses(network, `VFs ${range.text}`, context);
  });

/** Which PFs have how many VFs, and what these are like. */
export const POLICY_SCHEMA = z.strictObject({
  ...envelope("VfPolicy"),
  spec: required(
    z.strictObject({
      select: required(selectSchema, {
        description: "Which PFs it is about: those that fit all keys.",
        example: 'select: {vendor: "8086", driver: igb}',
      }),
      numVfs: optional(numVfsWish, {
        type: "number, max, or a share as 50%",
        description:
          "How many VFs the PF has. max: all that its driver offers. A share of these is rounded down, and is one VF at least.",
        kernel: "sriov_numvfs; from one number to another only by way of 0, which takes all VFs away",
        example: "numVfs: 7",
      }),
      onShrink: optional(z.enum(["refuse", "drain"]), {
        description:
          "What to do where VFs in use would be lost. refuse: nothing, and say who uses them. drain: detach what vfleet itself attached; other users are a refusal all the same.",
        default: "refuse",
        example: "onShrink: refuse",
      }),
      eswitchMode: optional(z.enum(["legacy", "switchdev"]), {
        description:
          "The card's embedded switch. legacy: it forwards by MAC and VLAN. switchdev: each VF has a representor on the host, and the host programs the switch.",
        kernel: "devlink dev eswitch set pci/BDF mode MODE",
        example: "eswitchMode: switchdev",
      }),
      pf: optional(
        z.strictObject({
          mtu: optional(z.int().min(68).max(65_535), {
            description: "The MTU of the PF's interface; with many drivers the most that a VF can have.",
            kernel: "IFLA_MTU, ndo_change_mtu",
            example: "mtu: 9000",
          }),
          up: optional(z.boolean(), {
            description: "Whether the PF's interface is up. Many cards' VFs have no link before it is.",
            kernel: "IFF_UP",
            example: "up: true",
          }),
        }),
        { description: "The PF's own interface.", example: "pf: {mtu: 9000, up: true}" },
      ),
      vfs: optional(z.array(vfEntry).max(1024), {
        description:
          "VFs and what they are to be like. Entries that overlap add to each other, and must not contradict.",
        example: "vfs: [{range: 0-3, pool: fast, driver: vfio-pci}]",
      }),
    }),
    { description: "What is wanted.", example: "spec: {select: {driver: igb}, numVfs: 7}" },
  ),
});

export type VfPolicy = z.infer<typeof POLICY_SCHEMA>;
