import { z } from "zod";
import { optional } from "./field-docs.ts";
import { driverName, guid, isMacWord, macWish } from "./text-schemas.ts";

/** More than any link has, below the 32 bits of IFLA_VF_RATE. */
const MOST_MBPS = 10_000_000;

const rate = z.int().min(0).max(MOST_MBPS);

/** What the PF's driver holds of a VF, in a policy and in a claim alike. */
const networkSchema = z
  .strictObject({
    mac: optional(macWish, {
      type: "auto, random, keep or a MAC address",
      description:
        "The administrative MAC address. auto: derived from host, PF and vfIndex, the same after a reboot. random: made once; an address that is locally administered stays. keep: not touched. All zeros: the VF chooses.",
      kernel: "IFLA_VF_MAC, the PF driver's ndo_set_vf_mac; a driver on the VF sees it when it binds anew",
      example: "mac: auto",
    }),
    vlan: optional(z.int().min(0).max(4094), {
      description:
        "The VLAN ID that the card puts on the VF's frames and takes off again, unseen by the VF. 0: none, and no priority where qos is left out.",
      kernel: "IFLA_VF_VLAN_LIST, ndo_set_vf_vlan, together with qos and protocol",
      example: "vlan: 100",
    }),
    qos: optional(z.int().min(0).max(7), {
      description: "The priority (PCP) in the VLAN tag of the VF's frames.",
      kernel: "IFLA_VF_VLAN_LIST, ndo_set_vf_vlan",
      example: "qos: 3",
    }),
    protocol: optional(z.enum(["802.1Q", "802.1ad"]), {
      description: "The VLAN tag: 802.1Q, or 802.1ad for an outer tag over those of the guest.",
      kernel: "IFLA_VF_VLAN_LIST, ndo_set_vf_vlan; most drivers answer EPROTONOSUPPORT to 802.1ad",
      example: "protocol: 802.1ad",
    }),
    spoofCheck: optional(z.boolean(), {
      description: "Whether the card drops frames that the VF sends from a MAC address or VLAN that is not its own.",
      kernel: "IFLA_VF_SPOOFCHK, ndo_set_vf_spoofchk",
      example: "spoofCheck: true",
    }),
    trust: optional(z.boolean(), {
      description: "Whether the VF may be promiscuous and change its own MAC address.",
      kernel: "IFLA_VF_TRUST, ndo_set_vf_trust",
      example: "trust: false",
    }),
    minTxRateMbps: optional(rate, {
      description: "The rate that the VF may send at in any case, in Mbit/s. 0: none is kept for it.",
      kernel: "IFLA_VF_RATE, ndo_set_vf_rate",
      example: "minTxRateMbps: 100",
    }),
    maxTxRateMbps: optional(rate, {
      description: "The most that the VF may send, in Mbit/s. 0: no limit.",
      kernel: "IFLA_VF_RATE, ndo_set_vf_rate; igb and ixgbe answer EINVAL while the PF has no link",
      example: "maxTxRateMbps: 500",
    }),
    linkState: optional(z.enum(["auto", "enable", "disable"]), {
      description:
        "The link that the VF sees: the PF's own (auto), always up, so that VFs reach each other without it (enable), or down.",
      kernel: "IFLA_VF_LINK_STATE, ndo_set_vf_link_state",
      example: "linkState: auto",
    }),
    queryRss: optional(z.boolean(), {
      description: "Whether the VF may read the table and key of RSS, which it shares with the PF on some cards.",
      kernel: "IFLA_VF_RSS_QUERY_EN, ndo_set_vf_rss_query_en",
      example: "queryRss: false",
    }),
    nodeGuid: optional(guid, {
      type: "EUI-64",
      description: "InfiniBand: the GUID of the VF's node.",
      kernel: "IFLA_VF_IB_NODE_GUID, ndo_set_vf_guid",
      example: 'nodeGuid: "00:11:22:33:44:55:66:77"',
    }),
    portGuid: optional(guid, {
      type: "EUI-64",
      description: "InfiniBand: the GUID of the VF's port.",
      kernel: "IFLA_VF_IB_PORT_GUID, ndo_set_vf_guid",
      example: 'portGuid: "00:11:22:33:44:55:66:78"',
    }),
  })
  .superRefine(({ minTxRateMbps: min = 0, maxTxRateMbps: max = 0 }, context) => {
    if (max !== 0 && min > max) {
      const message = `${min} Mbit/s at least and ${max} at most contradict each other`;
      context.addIssue({ code: "custom", path: ["minTxRateMbps"], message });
    }
  });

export type NetworkWish = z.infer<typeof networkSchema>;

/** Queues and vectors of an NVMe secondary controller. */
const nvmeSchema = z.strictObject({
  queues: optional(z.int().min(0).max(0xffff), {
    description: "Flexible queue pairs (VQ) that the VF's controller is given, the admin queue's among them.",
    kernel: "Virtualization Management, action 8 (Secondary Controller Assign), while the controller is offline",
    example: "queues: 4",
  }),
  interrupts: optional(z.int().min(0).max(0xffff), {
    description: "Flexible interrupt vectors (VI) that the VF's controller is given.",
    kernel: "Virtualization Management, action 8 (Secondary Controller Assign), while the controller is offline",
    example: "interrupts: 4",
  }),
  online: optional(z.boolean(), {
    description: "Whether the VF's controller works. It needs queues and interrupts for that.",
    kernel: "Virtualization Management, actions 9 (online) and 7 (offline)",
    example: "online: true",
  }),
});

/** What a VF may be given by a policy and by a claim alike. */
export const vfSettings = {
  driver: optional(driverName, {
    type: "default, none, vfio, or a driver's name",
    description:
      "The driver that the VF is to have. default: the one that the kernel takes of itself. none: unbound. vfio: vfio-pci, or the variant of it that is made for the card. Any other: the driver of that name.",
    kernel: "driver_override and drivers_probe; never new_id, which would take other devices along",
    example: "driver: vfio-pci",
  }),
  network: optional(networkSchema, {
    description: "What the PF's driver holds of the VF. What is left out is not touched.",
    kernel: "RTM_NEWLINK at the PF's interface, IFLA_VFINFO_LIST",
    example: "network: {mac: auto, vlan: 100}",
  }),
  msixCount: optional(z.int().min(1).max(2048), {
    description: "Interrupt vectors of the VF, out of the PF's pool. The VF must be unbound while they change.",
    kernel: "sriov_vf_msix_count; mlx5 has it",
    example: "msixCount: 16",
  }),
  nvme: optional(nvmeSchema, {
    description: "Resources of an NVMe secondary controller: without some it does not work.",
    kernel: "NVMe's Virtualization Management command, to the primary controller",
    example: "nvme: {queues: 4, interrupts: 4, online: true}",
  }),
};

/** What is wanted of a VF, its pool included. */
export type VfSettings = z.infer<z.ZodObject<typeof vfSettings>> & { readonly pool?: string | undefined };

/** Says where one address or GUID would go to several VFs. */
export function refuseSharedAddresses(network: NetworkWish | undefined, who: string, context: z.RefinementCtx): void {
  if (network === undefined) return;
  const { mac, nodeGuid, portGuid } = network;
  const fixed = mac !== undefined && !isMacWord(mac) && !/^[0:]+$/.test(mac);
  const shared = { ...(fixed ? { mac } : {}), nodeGuid, portGuid };
  for (const [field, value] of Object.entries(shared)) {
    if (value === undefined) continue;
    const instead = field === "mac" ? "; use auto, or an entry for each VF" : "; make an entry for each VF";
    const message = `one address for ${who}${instead}`;
    context.addIssue({ code: "custom", path: ["network", field], message });
  }
}
