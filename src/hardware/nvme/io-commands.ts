import type { DevicePort } from "../device-port.ts";
import type { Command } from "./command.ts";
import { type DataPointer, MOST_TRANSFER_BYTES } from "./data-pointer.ts";
import type { Logs } from "./log-pages.ts";
import { NVME_ALL_NAMESPACES, NVME_IO } from "./opcodes.ts";
import type { SubmissionQueue } from "./queue-engine.ts";
import { NVME_DNR, NVME_MORE, NVME_STATUS } from "./status.ts";
import { blockBytesOf, MOST_NAMESPACES, type Namespace, type Subsystem } from "./subsystem.ts";

const RANGE_BYTES = 16;
const MOST_RANGES = 256;
/** Dataset Management's Attribute - Deallocate. */
const DEALLOCATE = 0x4;
const { success, invalidField, invalidNamespace, invalidOpcode, lbaOutOfRange, compareFailure, dataTransferError } =
  NVME_STATUS;

/** What of a controller commands are carried out with. */
export interface CommandHost {
  readonly id: number;
  readonly port: DevicePort;
  readonly subsystem: Subsystem;
  readonly logs: Logs;
  readonly pointer: DataPointer;
  /** CC.MPS. */
  readonly pageBytes: number;
}

/** Commands are carried out one at a time: there is one place for the data to compare. */
const COMPARED = new Uint8Array(MOST_TRANSFER_BYTES);
const RANGES = new Uint8Array(RANGE_BYTES * MOST_RANGES);
const RANGES_VIEW = new DataView(RANGES.buffer);

/** Carries out a command of an I/O queue (NVM Command Set 1.0 §3.2; Flush: Base 2.0 §7.1). @returns its status */
export function executeIo(host: CommandHost, queue: SubmissionQueue, command: Command): number {
  const { opcode, namespaceId, isPlain } = command;
  if (!isPlain) return invalidField | NVME_DNR;
  // What has been written is never lost here: there is nothing to flush.
  if (opcode === NVME_IO.flush && namespaceId === NVME_ALL_NAMESPACES) return success;
  if (namespaceId === 0 || namespaceId > MOST_NAMESPACES) return invalidNamespace | NVME_DNR;
  // An inactive namespace's id (Base 2.0 §3.2.1.4).
  const namespace = host.subsystem.active(host.id, namespaceId);
  if (namespace === undefined) return invalidField | NVME_DNR;
  switch (opcode) {
    case NVME_IO.flush:
      return success;
    case NVME_IO.read:
    case NVME_IO.write:
    case NVME_IO.compare:
      return transfer(host, namespace, queue, command);
    case NVME_IO.writeZeroes:
      return writeZeroes(host, namespace, queue, command);
    case NVME_IO.datasetManagement:
      return manageDataset(host, namespace, queue, command);
    default:
      return invalidOpcode | NVME_DNR;
  }
}

/** Read, Write and Compare (§3.2.4, §3.2.6, §3.2.1). */
function transfer(host: CommandHost, namespace: Namespace, queue: SubmissionQueue, command: Command): number {
  const { pointer, port, logs } = host;
  const { opcode } = command;
  const blockBytes = blockBytesOf(namespace);
  const block = command.quadword(10);
  const blocks = (command.dword(12) & 0xffff) + 1;
  const length = blocks * blockBytes;
  // More than MDTS allows (Base 2.0 §5.17.2.1).
  if (length > MOST_TRANSFER_BYTES) return invalidField | NVME_DNR;
  if (block + blocks > namespace.blocks) return logged(host, queue, command, lbaOutOfRange | NVME_DNR, block);
  const status = pointer.collect(port, command, length, host.pageBytes);
  if (status !== success) return status;
  const { store } = namespace;
  const at = block * blockBytes;
  if (opcode === NVME_IO.compare) {
    if (pointer.fetch(port, COMPARED) !== success) return logged(host, queue, command, dataTransferError, block);
    logs.counters.reads++;
    return store.equals(at, COMPARED, length) ? success : logged(host, queue, command, compareFailure, block);
  }
  const reads = opcode === NVME_IO.read;
  for (let segment = 0, done = 0; segment < pointer.count; segment++) {
    const address = pointer.addresses[segment] as number;
    const part = pointer.lengths[segment] as number;
    const arrived = reads ? store.send(port, at + done, address, part) : store.receive(port, at + done, address, part);
    if (!arrived) return logged(host, queue, command, dataTransferError, block);
    done += part;
  }
  if (reads) {
    logs.counters.reads++;
    logs.counters.bytesRead += length;
  } else {
    logs.counters.writes++;
    logs.counters.bytesWritten += length;
  }
  return success;
}

/** §3.2.8 */
function writeZeroes(host: CommandHost, namespace: Namespace, queue: SubmissionQueue, command: Command): number {
  const block = command.quadword(10);
  const blocks = (command.dword(12) & 0xffff) + 1;
  if (block + blocks > namespace.blocks) return logged(host, queue, command, lbaOutOfRange | NVME_DNR, block);
  const blockBytes = blockBytesOf(namespace);
  namespace.store.clear(block * blockBytes, blocks * blockBytes);
  host.logs.counters.writes++;
  return success;
}

/** §3.2.3: of its attributes Deallocate does something; the others are hints. All ranges are looked at first. */
function manageDataset(host: CommandHost, namespace: Namespace, queue: SubmissionQueue, command: Command): number {
  const count = (command.dword(10) & 0xff) + 1;
  const { pointer, port, pageBytes } = host;
  const status = pointer.collect(port, command, count * RANGE_BYTES, pageBytes);
  if (status !== success) return status;
  if (pointer.fetch(port, RANGES) !== success) return logged(host, queue, command, dataTransferError, 0);
  if ((command.dword(11) & DEALLOCATE) === 0) return success;
  const blockBytes = blockBytesOf(namespace);
  for (let range = 0; range < count; range++) {
    const [block, blocks] = rangeAt(range);
    if (block + blocks > namespace.blocks) return logged(host, queue, command, lbaOutOfRange | NVME_DNR, block);
  }
  for (let range = 0; range < count; range++) {
    const [block, blocks] = rangeAt(range);
    namespace.store.clear(block * blockBytes, blocks * blockBytes);
  }
  return success;
}

function rangeAt(index: number): readonly [block: number, blocks: number] {
  const at = index * RANGE_BYTES;
  const block = RANGES_VIEW.getUint32(at + 12, true) * 2 ** 32 + RANGES_VIEW.getUint32(at + 8, true);
  return [block, RANGES_VIEW.getUint32(at + 4, true)];
}

/** The error log tells more of it: which block. */
function logged(host: CommandHost, queue: SubmissionQueue, command: Command, status: number, block: number): number {
  const more = status | NVME_MORE;
  const { id: commandId, namespaceId } = command;
  host.logs.addError({ submissionId: queue.id, commandId, status: more, block, namespaceId });
  return more;
}
