import type { AsyncEvents } from "./async-events.ts";
import type { Command } from "./command.ts";
import { MOST_TRANSFER_BYTES } from "./data-pointer.ts";
import type { Features } from "./features.ts";
import {
  type ControllerIdentity,
  controllerList,
  identifyCommonNamespace,
  identifyController,
  identifyNamespace,
  namespaceDescriptors,
  namespaceList,
  primaryCapabilities,
  secondaryControllers,
} from "./identify.ts";
import type { CommandHost } from "./io-commands.ts";
import { effectsLog, firmwareLog } from "./log-pages.ts";
import { attachNamespace, manageNamespaces } from "./namespace-commands.ts";
import { NVME_ADMIN, NVME_ALL_NAMESPACES, NVME_CNS, NVME_LOG } from "./opcodes.ts";
import {
  createCompletionQueue,
  createSubmissionQueue,
  deleteCompletionQueue,
  deleteSubmissionQueue,
} from "./queue-commands.ts";
import { NO_COMPLETION, type QueueEngine } from "./queue-engine.ts";
import { NVME_DNR, NVME_STATUS } from "./status.ts";
import { Structure } from "./structures.ts";
import { MOST_NAMESPACES } from "./subsystem.ts";
import type { Virtualization } from "./virtualization.ts";

const RETAIN_EVENT = 0x8000;
const NOT_ABORTED = 1;
const { success, invalidField, invalidLogPage, invalidNamespace, invalidOpcode } = NVME_STATUS;

/** What of a controller commands of its admin queue are about. */
export interface AdminHost extends CommandHost {
  readonly identity: ControllerIdentity;
  readonly queues: QueueEngine;
  readonly features: Features;
  readonly events: AsyncEvents;
  readonly ioQueues: number;
  readonly vectors: number;
  /** Of the primary controller of secondary controllers. */
  readonly virtualization: Virtualization | undefined;
  readonly isVf: boolean;
  /** Ids of the subsystem's controllers that are there, in order. */
  controllerIds(): readonly number[];
  /** Some controller of the subsystem, there or not, has the id. */
  isController(id: number): boolean;
}

/** Carries out a command of the admin queue (NVM Express Base 2.0 §5). @returns its status, or NO_COMPLETION */
export function executeAdmin(host: AdminHost, command: Command): number {
  const { queues } = host;
  if (!command.isPlain) return invalidField | NVME_DNR;
  switch (command.opcode) {
    case NVME_ADMIN.deleteSq:
      return deleteSubmissionQueue(queues, command);
    case NVME_ADMIN.createSq:
      return createSubmissionQueue(queues, host, command);
    case NVME_ADMIN.deleteCq:
      return deleteCompletionQueue(queues, command);
    case NVME_ADMIN.createCq:
      return createCompletionQueue(queues, host, command);
    case NVME_ADMIN.getLogPage:
      return getLogPage(host, command);
    case NVME_ADMIN.identify:
      return identify(host, command);
    case NVME_ADMIN.abort:
      return abort(host, command);
    case NVME_ADMIN.setFeatures:
      return answer(host, host.features.set(command, { ioQueues: host.ioQueues, hasIoQueues: queues.hasIoQueues }));
    case NVME_ADMIN.getFeatures:
      return answer(host, host.features.get(command, { ioQueues: host.ioQueues, hasIoQueues: queues.hasIoQueues }));
    case NVME_ADMIN.asyncEventRequest:
      return requestEvent(host, command);
    default:
      return executeManagement(host, command);
  }
}

/** What the subsystem is changed by: a tenant's controller, which a VF's is, has no such command. */
function executeManagement(host: AdminHost, command: Command): number {
  const { opcode } = command;
  if (host.isVf) return invalidOpcode | NVME_DNR;
  if (opcode === NVME_ADMIN.namespaceManagement) return answer(host, manageNamespaces(host, command));
  if (opcode === NVME_ADMIN.namespaceAttachment) {
    return answer(
      host,
      attachNamespace(host, command, (id) => host.isController(id)),
    );
  }
  if (opcode !== NVME_ADMIN.virtualizationManagement || host.virtualization === undefined) {
    return invalidOpcode | NVME_DNR;
  }
  const { status, modified } = host.virtualization.manage(command.dword(10), command.dword(11));
  return answer(host, { status, result: modified });
}

/** Identify (§5.17). */
function identify(host: AdminHost, command: Command): number {
  const { namespaceId } = command;
  const cns = command.dword(10) & 0xff;
  const data = identified(host, cns, namespaceId, command.dword(10) >>> 16);
  if (typeof data === "number") return data | NVME_DNR;
  return send(host, command, data.bytes);
}

function identified(host: AdminHost, cns: number, namespaceId: number, controllerId: number): Structure | number {
  const { subsystem, id, identity, virtualization } = host;
  const valid = namespaceId > 0 && namespaceId <= MOST_NAMESPACES;
  switch (cns) {
    case NVME_CNS.namespace:
      if (namespaceId === NVME_ALL_NAMESPACES) return identifyCommonNamespace();
      return valid ? identifyNamespace(subsystem.active(id, namespaceId), identity.nqn) : invalidNamespace;
    case NVME_CNS.controller:
      return identifyController(identity, id, subsystem, host.isVf, virtualization !== undefined);
    case NVME_CNS.activeNamespaces:
      // Above FFFFFFFDh there is none to come.
      return namespaceId >= 0xffff_fffe ? invalidNamespace : namespaceList(subsystem.ids(namespaceId, id));
    case NVME_CNS.namespaceDescriptors: {
      const namespace = subsystem.active(id, namespaceId);
      if (namespace === undefined) return valid ? invalidField : invalidNamespace;
      return namespaceDescriptors(namespace, identity.nqn);
    }
    case NVME_CNS.commandSetController:
      // No limits of the NVM command set's own (NVM Command Set 1.0 §4.1.5.4).
      return new Structure();
    default:
      return identifiedForManagement(host, cns, namespaceId, controllerId);
  }
}

/** What tells of namespaces and controllers that are others' (§5.17.2.8 to §5.17.2.15): nothing for a tenant's. */
function identifiedForManagement(
  host: AdminHost,
  cns: number,
  namespaceId: number,
  controllerId: number,
): Structure | number {
  const { subsystem, identity, virtualization } = host;
  if (host.isVf) return invalidField;
  switch (cns) {
    case NVME_CNS.allocatedNamespaces:
      return namespaceId >= 0xffff_fffe ? invalidNamespace : namespaceList(subsystem.ids(namespaceId));
    case NVME_CNS.allocatedNamespace:
      if (namespaceId === 0 || namespaceId > MOST_NAMESPACES) return invalidNamespace;
      return identifyNamespace(subsystem.namespaces.get(namespaceId), identity.nqn);
    case NVME_CNS.controllersOfNamespace: {
      const attached = subsystem.namespaces.get(namespaceId)?.attached;
      if (attached === undefined) return invalidField;
      return controllerList([...attached].sort((a, b) => a - b).filter((id) => id >= controllerId));
    }
    case NVME_CNS.controllers:
      return controllerList(host.controllerIds().filter((id) => id >= controllerId));
    case NVME_CNS.primaryCapabilities:
      return virtualization === undefined ? invalidField : primaryCapabilities(virtualization);
    case NVME_CNS.secondaryControllers:
      return virtualization === undefined ? invalidField : secondaryControllers(virtualization, controllerId);
    default:
      return invalidField;
  }
}

/** Get Log Page (§5.16). */
function getLogPage(host: AdminHost, command: Command): number {
  const { logs, events } = host;
  const page = command.dword(10) & 0xff;
  const retain = (command.dword(10) & RETAIN_EVENT) !== 0;
  const length = ((command.dword(11) & 0xffff) * 2 ** 16 + (command.dword(10) >>> 16) + 1) * 4;
  const offset = command.quadword(12);
  if (length > MOST_TRANSFER_BYTES || offset % 4 !== 0) return invalidField | NVME_DNR;
  let data: Structure;
  if (page === NVME_LOG.error) data = logs.errorLog();
  else if (page === NVME_LOG.smart) data = logs.smartLog(host.port.clock.nowNs);
  else if (page === NVME_LOG.firmware) data = firmwareLog(host.identity.firmware);
  else if (page === NVME_LOG.changedNamespaces) data = logs.changedNamespaces(!retain);
  else if (page === NVME_LOG.effects) data = effectsLog(!host.isVf, host.virtualization !== undefined);
  else return invalidLogPage | NVME_DNR;
  if (offset > data.bytes.length) return invalidField | NVME_DNR;
  // What is asked for beyond the page's end reads as zeros.
  const bytes = new Uint8Array(length);
  bytes.set(data.bytes.subarray(offset, offset + length));
  const status = send(host, command, bytes);
  if (status === success && !retain) events.read(page);
  return status;
}

/** Abort (§5.1): of commands that have not completed there are only requests for events. */
function abort(host: AdminHost, command: Command): number {
  const { queues, events } = host;
  const submissionId = command.dword(10) & 0xffff;
  const commandId = command.dword(10) >>> 16;
  const admin = queues.submission(0);
  if (submissionId === 0 && admin !== undefined && events.abort(commandId)) {
    queues.complete(admin, commandId, NVME_STATUS.commandAborted, 0);
    return success;
  }
  queues.result = NOT_ABORTED;
  return success;
}

/** Asynchronous Event Request (§5.2). */
function requestEvent({ events }: AdminHost, command: Command): number {
  if (!events.request(command.id)) return NVME_STATUS.tooManyAsyncEventRequests | NVME_DNR;
  events.deliver();
  return NO_COMPLETION;
}

function answer({ queues }: AdminHost, { status, result }: { status: number; result: number }): number {
  queues.result = result;
  return status;
}

function send({ pointer, port, pageBytes }: AdminHost, command: Command, bytes: Uint8Array): number {
  return pointer.collect(port, command, bytes.length, pageBytes) || pointer.send(port, bytes);
}
