/** Status Type and Status Code, as bits 10:0 of the status field (NVM Express Base 2.0 §3.3.3.2.1). */
export const NVME_STATUS = {
  success: 0x000,
  invalidOpcode: 0x001,
  invalidField: 0x002,
  dataTransferError: 0x004,
  commandAborted: 0x007,
  invalidNamespace: 0x00b,
  commandSequenceError: 0x00c,
  invalidPrpOffset: 0x013,
  lbaOutOfRange: 0x080,
  completionQueueInvalid: 0x100,
  invalidQueueId: 0x101,
  invalidQueueSize: 0x102,
  tooManyAsyncEventRequests: 0x105,
  invalidInterruptVector: 0x108,
  invalidLogPage: 0x109,
  invalidFormat: 0x10a,
  invalidQueueDeletion: 0x10c,
  featureNotSaveable: 0x10d,
  featureNotChangeable: 0x10e,
  insufficientCapacity: 0x115,
  namespaceIdUnavailable: 0x116,
  namespaceAlreadyAttached: 0x118,
  namespaceIsPrivate: 0x119,
  namespaceNotAttached: 0x11a,
  thinProvisioningNotSupported: 0x11b,
  invalidControllerList: 0x11c,
  invalidControllerId: 0x11f,
  invalidSecondaryState: 0x120,
  invalidResourceCount: 0x121,
  invalidResourceId: 0x122,
  compareFailure: 0x285,
} as const;

/** Do Not Retry: the same command would fail again. */
export const NVME_DNR = 0x4000;
/** There is more of it in the error log. */
export const NVME_MORE = 0x2000;

const CODE = 0x7ff;

/** As nvme-cli calls them. */
const TEXTS: ReadonlyMap<number, string> = new Map([
  [NVME_STATUS.invalidOpcode, "Invalid Command Opcode"],
  [NVME_STATUS.invalidField, "Invalid Field in Command"],
  [NVME_STATUS.dataTransferError, "Data Transfer Error"],
  [NVME_STATUS.invalidNamespace, "Invalid Namespace or Format"],
  [NVME_STATUS.invalidControllerId, "Invalid Controller Identifier"],
  [NVME_STATUS.invalidSecondaryState, "Invalid Secondary Controller State"],
  [NVME_STATUS.invalidResourceCount, "Invalid Number of Controller Resources"],
  [NVME_STATUS.invalidResourceId, "Invalid Resource Identifier"],
]);

/** A status field in words. */
export function statusText(status: number): string {
  const code = status & CODE;
  return TEXTS.get(code) ?? `Status Code Type ${code >>> 8}, Status Code ${(code & 0xff).toString(16)}h`;
}
