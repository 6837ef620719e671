import type { Capability } from "../capability.ts";
import { ALTERNATE_PROTOCOL } from "./alternate-protocol.ts";
import { DATA_LINK_FEATURE } from "./data-link-feature.ts";
import { DEVICE_3 } from "./device-3.ts";
import { DPA } from "./dpa.ts";
import { DPC } from "./dpc.ts";
import { FLIT_ERROR_INJECTION } from "./flit-error-injection.ts";
import { FLIT_LOGGING } from "./flit-logging.ts";
import { FLIT_PERFORMANCE_MEASUREMENT } from "./flit-performance-measurement.ts";
import { FRS_QUEUEING } from "./frs-queueing.ts";
import { HIERARCHY_ID } from "./hierarchy-id.ts";
import { LANE_MARGINING } from "./lane-margining.ts";
import { LN_REQUESTER } from "./ln-requester.ts";
import { M_PCIE } from "./m-pcie.ts";
import { MMIO_REGISTER_BLOCK_LOCATOR } from "./mmio-register-block-locator.ts";
import { NPEM } from "./npem.ts";
import { NULL_EXTENDED } from "./null-extended.ts";
import { PHYSICAL_LAYER_16GT } from "./physical-layer-16gt.ts";
import { PHYSICAL_LAYER_32GT } from "./physical-layer-32gt.ts";
import { PHYSICAL_LAYER_64GT } from "./physical-layer-64gt.ts";
import { PROTOCOL_MULTIPLEXING } from "./protocol-multiplexing.ts";
import { READINESS_TIME_REPORTING } from "./readiness-time-reporting.ts";
import { SECONDARY_PCI_EXPRESS } from "./secondary-pci-express.ts";
import { SFI } from "./sfi.ts";
import { SHADOW_FUNCTIONS } from "./shadow-functions.ts";
import { STREAMLINED_VIRTUAL_CHANNEL } from "./streamlined-virtual-channel.ts";

/** Extended capabilities of the link and its lanes, power and readiness, and the rare ones, in the order of their IDs. */
export const LINK_AND_POWER_CAPABILITIES: readonly Capability[] = [
  NULL_EXTENDED,
  DPA,
  SECONDARY_PCI_EXPRESS,
  PROTOCOL_MULTIPLEXING,
  LN_REQUESTER,
  DPC,
  M_PCIE,
  FRS_QUEUEING,
  READINESS_TIME_REPORTING,
  DATA_LINK_FEATURE,
  PHYSICAL_LAYER_16GT,
  LANE_MARGINING,
  HIERARCHY_ID,
  NPEM,
  PHYSICAL_LAYER_32GT,
  ALTERNATE_PROTOCOL,
  SFI,
  SHADOW_FUNCTIONS,
  DEVICE_3,
  PHYSICAL_LAYER_64GT,
  FLIT_LOGGING,
  FLIT_PERFORMANCE_MEASUREMENT,
  FLIT_ERROR_INJECTION,
  STREAMLINED_VIRTUAL_CHANNEL,
  MMIO_REGISTER_BLOCK_LOCATOR,
];
