import { ASYNC_EVENT_REQUEST_LIMIT } from "./async-events.ts";
import { MDTS } from "./data-pointer.ts";
import { CRITICAL_TEMPERATURE, WARNING_TEMPERATURE } from "./features.ts";
import { ERROR_LOG_ENTRIES } from "./log-pages.ts";
import { NVME_CQES, NVME_SQES } from "./registers.ts";
import { Structure } from "./structures.ts";
import { BLOCK_SHIFTS, blockBytesOf, bytesOf, MOST_NAMESPACES, type Namespace, type Subsystem } from "./subsystem.ts";
import type { Virtualization } from "./virtualization.ts";

/** 1.4, as QEMU's nvme and most devices have it: one command set, none to be chosen. */
export const NVME_VERSION = 0x0001_0400;

const CNTRLTYPE_IO = 1;
const CMIC_MULTIPLE_CONTROLLERS = 0x2;
const CMIC_VF = 0x4;
const OAES_NAMESPACE_ATTRIBUTE = 0x100;
const OACS_NAMESPACES = 0x8;
const OACS_VIRTUALIZATION = 0x80;
/** The slot for firmware, which is read only. */
const FRMW = 0x3;
/** Commands Supported and Effects; extended data of Get Log Page. */
const LPA = 0x6;
const ABORT_LIMIT = 3;
/** Compare, Dataset Management, Write Zeroes. */
const ONCS = 0xd;
/** There is a volatile cache; Flush may be for all namespaces. */
const VWC = 0x7;
/** Deallocated blocks read as zeros; Write Zeroes can deallocate. */
const DLFEAT = 0x9;
const NMIC_SHARED = 0x1;
const SECONDARY_BYTES = 32;
const MOST_SECONDARIES = 127;
const NIDT_EUI64 = 1;
const NIDT_NGUID = 2;

/** What Identify tells of a controller itself. */
export interface ControllerIdentity {
  readonly vendorId: number;
  readonly subsystemVendorId: number;
  readonly serial: string;
  readonly model: string;
  readonly firmware: string;
  readonly nqn: string;
}

/** Identify Controller (NVM Express Base 2.0 §5.17.2.1). */
export function identifyController(
  identity: ControllerIdentity,
  controllerId: number,
  subsystem: Subsystem,
  isVf: boolean,
  virtualizes: boolean,
): Structure {
  return new Structure()
    .u16(0, identity.vendorId)
    .u16(2, identity.subsystemVendorId)
    .text(4, identity.serial, 20)
    .text(24, identity.model, 40)
    .text(64, identity.firmware, 8)
    .u8(72, 6)
    .u8(76, CMIC_MULTIPLE_CONTROLLERS | (isVf ? CMIC_VF : 0))
    .u8(77, MDTS)
    .u16(78, controllerId)
    .u32(80, NVME_VERSION)
    .u32(92, OAES_NAMESPACE_ATTRIBUTE)
    .u8(111, CNTRLTYPE_IO)
    .u16(256, (isVf ? 0 : OACS_NAMESPACES) | (virtualizes ? OACS_VIRTUALIZATION : 0))
    .u8(258, ABORT_LIMIT)
    .u8(259, ASYNC_EVENT_REQUEST_LIMIT)
    .u8(260, FRMW)
    .u8(261, LPA)
    .u8(262, ERROR_LOG_ENTRIES - 1)
    .u16(266, WARNING_TEMPERATURE)
    .u16(268, CRITICAL_TEMPERATURE)
    .u64(280, subsystem.totalBytes)
    .u64(296, subsystem.unallocatedBytes)
    .u8(512, (NVME_SQES << 4) | NVME_SQES)
    .u8(513, (NVME_CQES << 4) | NVME_CQES)
    .u32(516, MOST_NAMESPACES)
    .u16(520, ONCS)
    .u8(525, VWC)
    .name(768, identity.nqn);
}

/** What namespaces have in common (CNS 00h of FFFFFFFFh): the formats that there are (NVM Command Set 1.0 §4.1.5.1). */
export function identifyCommonNamespace(): Structure {
  const data = new Structure().u8(25, BLOCK_SHIFTS.length - 1);
  for (const [index, shift] of BLOCK_SHIFTS.entries()) data.u32(128 + 4 * index, shift << 16);
  return data;
}

/** Identify Namespace (NVM Command Set 1.0 §4.1.5.1); all zeros of one that is not there. */
export function identifyNamespace(namespace: Namespace | undefined, nqn: string): Structure {
  if (namespace === undefined) return new Structure();
  const { blocks, format, shared, store } = namespace;
  const used = Math.min(blocks, Math.ceil(store.usedBytes / blockBytesOf(namespace)));
  return identifyCommonNamespace()
    .u64(0, blocks)
    .u64(8, blocks)
    .u64(16, used)
    .u8(26, format)
    .u8(30, shared ? NMIC_SHARED : 0)
    .u8(33, DLFEAT)
    .u64(48, bytesOf(namespace))
    .copy(104, nguid(namespace.id, nqn))
    .copy(120, eui64(namespace.id, nqn));
}

/** Namespace Identification Descriptor list (§5.17.2.3). */
export function namespaceDescriptors({ id }: Namespace, nqn: string): Structure {
  return new Structure()
    .u8(0, NIDT_EUI64)
    .u8(1, 8)
    .copy(4, eui64(id, nqn))
    .u8(12, NIDT_NGUID)
    .u8(13, 16)
    .copy(16, nguid(id, nqn));
}

/** Namespace List (§4.4.2). */
export function namespaceList(ids: readonly number[]): Structure {
  const data = new Structure();
  for (const [index, id] of ids.slice(0, 1024).entries()) data.u32(4 * index, id);
  return data;
}

/** Controller List (§4.4.1). */
export function controllerList(ids: readonly number[]): Structure {
  const listed = ids.slice(0, 2047);
  const data = new Structure().u16(0, listed.length);
  for (const [index, id] of listed.entries()) data.u16(2 + 2 * index, id);
  return data;
}

/** Primary Controller Capabilities (§5.17.2.14). */
export function primaryCapabilities(virtualization: Virtualization): Structure {
  const data = new Structure().u16(0, 0).u8(4, 0x3);
  for (const [at, resource] of [
    [32, "vq"],
    [64, "vi"],
  ] as const) {
    const { flexible, private: own, secondaryMax } = virtualization.description[resource];
    data
      .u32(at, flexible)
      .u32(at + 4, virtualization.assigned(resource))
      .u16(at + 8, virtualization.primary[resource])
      .u16(at + 10, own)
      .u16(at + 12, secondaryMax)
      .u16(at + 14, 1);
  }
  return data;
}

/** Secondary Controller List (§5.17.2.15), of ids from `from` on. */
export function secondaryControllers({ secondaries }: Virtualization, from: number): Structure {
  const listed = secondaries.filter(({ controllerId }) => controllerId >= from).slice(0, MOST_SECONDARIES);
  const data = new Structure().u8(0, listed.length);
  for (const [index, { controllerId, vfNumber, online, vq, vi }] of listed.entries()) {
    const at = SECONDARY_BYTES * (index + 1);
    data
      .u16(at, controllerId)
      .u8(at + 4, online ? 1 : 0)
      .u16(at + 8, vfNumber)
      .u16(at + 10, vq)
      .u16(at + 12, vi);
  }
  return data;
}

/** Made of the subsystem's name, so that namespaces of different subsystems differ: FNV-1a. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  }
  return value >>> 0;
}

function eui64(id: number, nqn: string): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  // Locally administered.
  view.setUint32(0, ((hash(nqn) & 0xfdff_ffff) | 0x0200_0000) >>> 0);
  view.setUint32(4, id);
  return bytes;
}

function nguid(id: number, nqn: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, hash(nqn));
  view.setUint32(4, hash(`${nqn} namespace`));
  bytes.set(eui64(id, nqn), 8);
  return bytes;
}
