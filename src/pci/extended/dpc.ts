import { hex } from "../bdf.ts";
import { block } from "../block.ts";
import { type Block, capability } from "../capability.ts";
import { type Access, bit, bits, type Field, oneOf, register } from "../register.ts";

/** DWs of the RP PIO log up to which it is the TLP's header; the ImpSpec log and then TLP prefixes follow. */
const HEADER_LOG_DWORDS = 4;

const RP_PIO = {
  status: register(0x0c, 32, "PCI_EXP_DPC_RP_PIO_STATUS", "PCIe 6.0 §7.9.14.6", rpPio("Status", "RW1CS")),
  mask: register(0x10, 32, "PCI_EXP_DPC_RP_PIO_MASK", "PCIe 6.0 §7.9.14.7", rpPio("Mask", "RWS", 1)),
  severity: register(0x14, 32, "PCI_EXP_DPC_RP_PIO_SEVERITY", "PCIe 6.0 §7.9.14.8", rpPio("Severity", "RWS")),
  sysError: register(0x18, 32, "PCI_EXP_DPC_RP_PIO_SYSERROR", "PCIe 6.0 §7.9.14.9", rpPio("SysError", "RWS")),
  exception: register(0x1c, 32, "PCI_EXP_DPC_RP_PIO_EXCEPTION", "PCIe 6.0 §7.9.14.10", rpPio("Exception", "RWS")),
};

const HEADER_LOG = {
  headerLog0: register(0x20, 32, "PCI_EXP_DPC_RP_PIO_HEADER_LOG", "PCIe 6.0 §7.9.14.11", {
    rpPioHeaderLog0: logged(),
  }),
  headerLog1: register(0x24, 32, undefined, "PCIe 6.0 §7.9.14.11", { rpPioHeaderLog1: logged() }),
  headerLog2: register(0x28, 32, undefined, "PCIe 6.0 §7.9.14.11", { rpPioHeaderLog2: logged() }),
  headerLog3: register(0x2c, 32, undefined, "PCIe 6.0 §7.9.14.11", { rpPioHeaderLog3: logged() }),
};

const IMPSPEC_LOG = {
  impSpecLog: register(0x30, 32, "PCI_EXP_DPC_RP_PIO_IMPSPEC_LOG", "PCIe 6.0 §7.9.14.12", {
    rpPioImpSpecLog: logged(),
  }),
};

const TLP_PREFIX_LOG = {
  tlpPrefixLog: register(0x00, 32, "PCI_EXP_DPC_RP_PIO_TLPPREFIX_LOG", "PCIe 6.0 §7.9.14.13", {
    tlpPrefix: logged(),
  }),
};

/** Downstream Port Containment: the port takes its link down when an error arrives, before the error spreads. */
export const DPC = capability({
  id: 0x1d,
  name: "Downstream Port Containment (DPC)",
  spec: "PCIe 6.0 §7.9.14",
  table: {
    capability: register(0x04, 16, "PCI_EXP_DPC_CAP", "PCIe 6.0 §7.9.14.2", {
      dpcInterruptMessageNumber: bits(4, 0, "RO", "MSI or MSI-X vector of DPC events"),
      rpExtensionsForDpc: bit(5, "RO", "the RP PIO registers are there (root ports)"),
      poisonedTlpEgressBlockingSupported: bit(6, "RO"),
      dpcSoftwareTriggeringSupported: bit(7, "RO"),
      rpPioLogSizeDwords: bits(11, 8, "RO", "of the RP PIO logs together; in Flit Mode the bit below is its upper one"),
      dlActiveErrCorSignalingSupported: bit(12, "RO"),
      rpPioLogSizeBit4: bit(13, "RO", "16 DW more of RP PIO logs (Flit Mode)"),
    }),
    control: register(0x06, 16, "PCI_EXP_DPC_CTL", "PCIe 6.0 §7.9.14.3", {
      dpcTriggerEnable: bits(1, 0, "RW", {
        value: oneOf({ 0: "disabled", 1: "fatal", 2: "non-fatal or fatal" }),
        doc: "the errors that take the link down",
      }),
      dpcCompletionControl: bits(2, 2, "RW", {
        value: oneOf({ 0: "completer abort", 1: "unsupported request" }),
        doc: "what requests are answered with while the link is down",
      }),
      dpcInterruptEnable: bit(3, "RW"),
      dpcErrCorEnable: bit(4, "RW", "sends ERR_COR when DPC is triggered"),
      poisonedTlpEgressBlockingEnable: bit(5, "RW"),
      dpcSoftwareTrigger: bit(6, "RW", "written 1 to trigger; reads 0"),
      dlActiveErrCorEnable: bit(7, "RW", "sends ERR_COR when the link is up again"),
      dpcSigSfwEnable: bit(8, "RW", "ERR_COR messages are marked for System Firmware"),
    }),
    status: register(0x08, 16, "PCI_EXP_DPC_STATUS", "PCIe 6.0 §7.9.14.4", {
      dpcTriggerStatus: bit(0, "RW1CS", "DPC was triggered: the link is held down"),
      dpcTriggerReason: bits(2, 1, "ROS", {
        value: oneOf({
          0: "unmasked uncorrectable error",
          1: "ERR_NONFATAL received",
          2: "ERR_FATAL received",
          3: "see the extension",
        }),
        doc: "means something while DPC Trigger Status is set",
      }),
      dpcInterruptStatus: bit(3, "RW1CS"),
      dpcRpBusy: bit(4, "RO", "the root port still works on what was pending"),
      dpcTriggerReasonExtension: bits(6, 5, "ROS", {
        value: oneOf({ 0: "RP PIO error", 1: "software trigger" }),
        doc: "means something where the reason says so",
      }),
      rpPioFirstErrorPointer: bits(12, 8, "ROS", "bit of RP PIO Status that was set first"),
      dpcSigSfwStatus: bit(13, "RW1CS"),
    }),
    errorSourceId: register(0x0a, 16, "PCI_EXP_DPC_SOURCE_ID", "PCIe 6.0 §7.9.14.5", {
      dpcErrorSourceId: bits(15, 0, "ROS", "Requester ID of the message that triggered"),
    }),
  },
  blocks: ({ rpExtensionsForDpc, rpPioLogSizeDwords, rpPioLogSizeBit4 }) => {
    if (rpExtensionsForDpc !== true) return [];
    const dwords = (rpPioLogSizeDwords ?? 0) + (rpPioLogSizeBit4 ? 16 : 0);
    const blocks: Block[] = [block({ offset: 0, table: RP_PIO })];
    if (dwords >= HEADER_LOG_DWORDS) blocks.push(block({ offset: 0, table: HEADER_LOG }));
    if (dwords > HEADER_LOG_DWORDS) blocks.push(block({ offset: 0, table: IMPSPEC_LOG }));
    for (let index = 0; index < dwords - HEADER_LOG_DWORDS - 1; index++) {
      blocks.push(block({ name: "rpPioTlpPrefixLog", offset: 0x34 + index * 4, table: TLP_PREFIX_LOG }));
    }
    return blocks;
  },
});

/** The errors of a root port's own requests; each of five registers has them all. */
function rpPio(suffix: string, access: Access, reset: 0 | 1 = 0): Record<string, Field> {
  return {
    [`cfgUrCompletion${suffix}`]: bit(0, access, "a configuration request was answered with UR", reset),
    [`cfgCaCompletion${suffix}`]: bit(1, access, "a configuration request was answered with CA", reset),
    [`cfgCompletionTimeout${suffix}`]: bit(2, access, "a configuration request was not answered", reset),
    [`ioUrCompletion${suffix}`]: bit(8, access, undefined, reset),
    [`ioCaCompletion${suffix}`]: bit(9, access, undefined, reset),
    [`ioCompletionTimeout${suffix}`]: bit(10, access, undefined, reset),
    [`memUrCompletion${suffix}`]: bit(16, access, undefined, reset),
    [`memCaCompletion${suffix}`]: bit(17, access, undefined, reset),
    [`memCompletionTimeout${suffix}`]: bit(18, access, undefined, reset),
  };
}

function logged(): Field<string> {
  return bits(31, 0, "ROS", { value: (raw) => hex(raw, 8) });
}
