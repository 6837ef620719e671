import type { Command } from "./command.ts";
import type { CommandHost } from "./io-commands.ts";
import { NVME_ALL_NAMESPACES } from "./opcodes.ts";
import { NVME_DNR, NVME_STATUS } from "./status.ts";
import { BLOCK_SHIFTS } from "./subsystem.ts";

const CONTROLLER_LIST_BYTES = 4096;
const MOST_LISTED = 2047;
const CREATE = 0;
const DELETE = 1;
const ATTACH = 0;
const DETACH = 1;
const NMIC_SHARED = 0x1;
const FLBAS_MASK = 0xf;

interface Answer {
  readonly status: number;
  readonly result: number;
}

/** Namespace Management (NVM Express Base 2.0 §5.23): creates a namespace, of which it tells the id, or deletes some. */
export function manageNamespaces(host: CommandHost, command: Command): Answer {
  const { subsystem } = host;
  const { namespaceId } = command;
  switch (command.dword(10) & 0xf) {
    case CREATE:
      return create(host, command);
    case DELETE: {
      const ids = namespaceId === NVME_ALL_NAMESPACES ? subsystem.ids(0) : [namespaceId];
      if (!ids.every((id) => subsystem.namespaces.has(id))) return refuse(NVME_STATUS.invalidNamespace);
      for (const id of ids) subsystem.delete(id);
      return { status: NVME_STATUS.success, result: 0 };
    }
    default:
      return refuse(NVME_STATUS.invalidField);
  }
}

function create(host: CommandHost, command: Command): Answer {
  const { subsystem } = host;
  const data = fetch(host, command);
  if (typeof data === "number") return { status: data, result: 0 };
  const blocks = data.getUint32(4, true) * 2 ** 32 + data.getUint32(0, true);
  const capacity = data.getUint32(12, true) * 2 ** 32 + data.getUint32(8, true);
  const format = data.getUint8(26) & FLBAS_MASK;
  const shift = BLOCK_SHIFTS[format];
  if (shift === undefined) return refuse(NVME_STATUS.invalidFormat);
  if (blocks === 0) return refuse(NVME_STATUS.invalidField);
  if (capacity !== blocks) return refuse(NVME_STATUS.thinProvisioningNotSupported);
  if (blocks * 2 ** shift > subsystem.unallocatedBytes) return refuse(NVME_STATUS.insufficientCapacity);
  const id = subsystem.create(format, blocks, (data.getUint8(30) & NMIC_SHARED) !== 0);
  return id === undefined ? refuse(NVME_STATUS.namespaceIdUnavailable) : { status: NVME_STATUS.success, result: id };
}

/** Namespace Attachment (§5.22): to the controllers of a list, or from them; all of them or none. */
export function attachNamespace(
  host: CommandHost,
  command: Command,
  isController: (controllerId: number) => boolean,
): Answer {
  const { subsystem } = host;
  const namespace = subsystem.namespaces.get(command.namespaceId);
  if (namespace === undefined) return refuse(NVME_STATUS.invalidNamespace);
  const select = command.dword(10) & 0xf;
  if (select !== ATTACH && select !== DETACH) return refuse(NVME_STATUS.invalidField);
  const data = fetch(host, command);
  if (typeof data === "number") return { status: data, result: 0 };
  const count = data.getUint16(0, true);
  if (count === 0 || count > MOST_LISTED) return refuse(NVME_STATUS.invalidControllerList);
  const ids = new Set(Array.from({ length: count }, (_, index) => data.getUint16(2 + 2 * index, true)));
  if (![...ids].every(isController)) return refuse(NVME_STATUS.invalidControllerList);
  const { attached, shared, id } = namespace;
  if (select === DETACH) {
    if (![...ids].every((each) => attached.has(each))) return refuse(NVME_STATUS.namespaceNotAttached);
    for (const each of ids) attached.delete(each);
  } else {
    if ([...ids].some((each) => attached.has(each))) return refuse(NVME_STATUS.namespaceAlreadyAttached);
    if (!shared && attached.size + ids.size > 1) return refuse(NVME_STATUS.namespaceIsPrivate);
    for (const each of ids) attached.add(each);
  }
  subsystem.onChange(id, ids);
  return { status: NVME_STATUS.success, result: 0 };
}

/** The page of data that a command brings. @returns a status where it cannot be had */
function fetch({ pointer, port, pageBytes }: CommandHost, command: Command): DataView | number {
  const bytes = new Uint8Array(CONTROLLER_LIST_BYTES);
  const status = pointer.collect(port, command, bytes.length, pageBytes) || pointer.fetch(port, bytes);
  return status === NVME_STATUS.success ? new DataView(bytes.buffer) : status;
}

function refuse(status: number): Answer {
  return { status: status | NVME_DNR, result: 0 };
}
