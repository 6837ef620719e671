import type { Capability } from "../capability.ts";
import { AER } from "./aer.ts";
import { ATS } from "./ats.ts";
import { CONFIGURATION_ACCESS_CORRELATION } from "./configuration-access-correlation.ts";
import { DEVICE_SERIAL_NUMBER } from "./device-serial-number.ts";
import { DOE } from "./doe.ts";
import { DVSEC } from "./dvsec.ts";
import { IDE } from "./ide.ts";
import { L1_PM_SUBSTATES } from "./l1-pm-substates.ts";
import { LTR } from "./ltr.ts";
import { MFVC } from "./mfvc.ts";
import { MR_IOV } from "./mr-iov.ts";
import { MULTICAST } from "./multicast.ts";
import { PASID } from "./pasid.ts";
import { POWER_BUDGETING } from "./power-budgeting.ts";
import { PRI } from "./pri.ts";
import { PTM } from "./ptm.ts";
import { RCEC_ENDPOINT_ASSOCIATION } from "./rcec-endpoint-association.ts";
import { RCRB_HEADER } from "./rcrb-header.ts";
import { RESIZABLE_BAR } from "./resizable-bar.ts";
import { ROOT_COMPLEX_INTERNAL_LINK_CONTROL } from "./root-complex-internal-link-control.ts";
import { ROOT_COMPLEX_LINK_DECLARATION } from "./root-complex-link-declaration.ts";
import { TPH_REQUESTER } from "./tph-requester.ts";
import { VF_RESIZABLE_BAR } from "./vf-resizable-bar.ts";
import { VIRTUAL_CHANNEL, VIRTUAL_CHANNEL_WITH_MFVC } from "./virtual-channel.ts";
import { VSEC } from "./vsec.ts";

/** Extended capabilities of transactions, errors, translation, security and identity, in the order of their IDs. */
export const PROTOCOL_CAPABILITIES: readonly Capability[] = [
  AER,
  VIRTUAL_CHANNEL,
  DEVICE_SERIAL_NUMBER,
  POWER_BUDGETING,
  ROOT_COMPLEX_LINK_DECLARATION,
  ROOT_COMPLEX_INTERNAL_LINK_CONTROL,
  RCEC_ENDPOINT_ASSOCIATION,
  MFVC,
  VIRTUAL_CHANNEL_WITH_MFVC,
  RCRB_HEADER,
  VSEC,
  CONFIGURATION_ACCESS_CORRELATION,
  ATS,
  MR_IOV,
  MULTICAST,
  PRI,
  RESIZABLE_BAR,
  TPH_REQUESTER,
  LTR,
  PASID,
  L1_PM_SUBSTATES,
  PTM,
  DVSEC,
  VF_RESIZABLE_BAR,
  DOE,
  IDE,
];
