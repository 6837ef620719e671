import { NVME_VIRTUALIZATION } from "./opcodes.ts";
import { NVME_DNR, NVME_STATUS } from "./status.ts";

/** VQ: a pair of queues; the first is the admin queue. VI: an interrupt vector. */
type Resource = "vq" | "vi";
const RESOURCES: readonly Resource[] = ["vq", "vi"];

/** Of one kind of resources (NVM Express Base 2.0 §8.26.1, §8.26.2). */
interface ResourceDescription {
  /** May be given out. */
  readonly flexible: number;
  /** The primary controller's for good. */
  readonly private: number;
  /** The most for one secondary controller. */
  readonly secondaryMax: number;
}

export interface VirtualizationDescription {
  /** Secondary controllers: one for each VF, with ids from 1 on. */
  readonly totalVfs: number;
  readonly vq: ResourceDescription;
  readonly vi: ResourceDescription;
  /**
   * A secondary controller keeps what it was given when it goes offline, and while there are no VFs. QEMU's do not
   * (`nvme_virt_set_state`).
   */
  readonly keepsResources?: boolean;
}

/** An entry of the Secondary Controller List (figure 283). */
export interface Secondary {
  readonly controllerId: number;
  /** From 1. */
  readonly vfNumber: number;
  online: boolean;
  vq: number;
  vi: number;
}

interface VirtualizationState {
  readonly secondaries: readonly Secondary[];
  readonly primary: Readonly<Record<Resource, number>>;
  readonly nextPrimary: Readonly<Record<Resource, number>>;
}

/** Primary and secondary controllers, and the resources that are handed from one to the others (Base 2.0 §8.26). */
export class Virtualization {
  readonly description: VirtualizationDescription;
  readonly secondaries: Secondary[];
  /** Flexible resources that the primary controller has. */
  readonly primary: Record<Resource, number> = { vq: 0, vi: 0 };
  /** What it will have after its next reset. */
  readonly #nextPrimary: Record<Resource, number> = { vq: 0, vi: 0 };
  readonly #stateChanged: (secondary: Secondary) => void;
  #numVfs = 0;

  /** @param stateChanged a secondary controller went online or offline: it begins anew */
  constructor(description: VirtualizationDescription, stateChanged: (secondary: Secondary) => void) {
    this.description = description;
    this.#stateChanged = stateChanged;
    this.secondaries = Array.from({ length: description.totalVfs }, (_, index) => ({
      controllerId: index + 1,
      vfNumber: index + 1,
      online: false,
      vq: 0,
      vi: 0,
    }));
  }

  /** VFs that there are now; without its VF a secondary controller is offline. */
  set numVfs(numVfs: number) {
    this.#numVfs = numVfs;
    for (const secondary of this.secondaries) if (secondary.vfNumber > numVfs) this.#takeOffline(secondary);
  }

  /** Given to secondary controllers. */
  assigned(resource: Resource): number {
    return this.secondaries.reduce((sum, each) => sum + each[resource], 0);
  }

  /** A Controller Level Reset of the primary controller takes its secondary controllers offline (§8.26.3). */
  primaryReset(): void {
    for (const secondary of this.secondaries) this.#takeOffline(secondary);
  }

  /** After one that is more than CC.EN, the primary controller has what it was to have (§5.28). */
  allocatePrimary(): void {
    for (const resource of RESOURCES) this.primary[resource] = this.#nextPrimary[resource];
  }

  /** Virtualization Management (§5.28). @returns the status, and how many resources it was about */
  manage(dword10: number, dword11: number): { readonly status: number; readonly modified: number } {
    const controllerId = dword10 >>> 16;
    const resource = RESOURCES[(dword10 >>> 8) & 0x7];
    const count = dword11 & 0xffff;
    if (resource === undefined) return refuse(NVME_STATUS.invalidResourceId);
    switch (dword10 & 0xf) {
      case NVME_VIRTUALIZATION.primaryFlexible:
        return this.#givePrimary(controllerId, resource, count);
      case NVME_VIRTUALIZATION.assign:
        return this.#assign(controllerId, resource, count);
      case NVME_VIRTUALIZATION.online:
        return this.#setState(controllerId, true);
      case NVME_VIRTUALIZATION.offline:
        return this.#setState(controllerId, false);
      default:
        return refuse(NVME_STATUS.invalidField);
    }
  }

  save(): VirtualizationState {
    return {
      secondaries: this.secondaries.map((each) => ({ ...each })),
      primary: { ...this.primary },
      nextPrimary: { ...this.#nextPrimary },
    };
  }

  restore(state: unknown, numVfs: number): void {
    const { secondaries, primary, nextPrimary } = state as VirtualizationState;
    this.#numVfs = numVfs;
    for (const [index, each] of this.secondaries.entries()) Object.assign(each, secondaries[index]);
    Object.assign(this.primary, primary);
    Object.assign(this.#nextPrimary, nextPrimary);
  }

  /** QEMU's `nvme_assign_virt_res_to_prim`. */
  #givePrimary(controllerId: number, resource: Resource, count: number) {
    const { flexible } = this.description[resource];
    if (controllerId !== 0) return refuse(NVME_STATUS.invalidControllerId);
    if (count > flexible) return refuse(NVME_STATUS.invalidResourceCount);
    if (count > flexible - this.assigned(resource)) return refuse(NVME_STATUS.invalidResourceId);
    this.#nextPrimary[resource] = count;
    return { status: NVME_STATUS.success, modified: count };
  }

  /** QEMU's `nvme_assign_virt_res_to_sec`. */
  #assign(controllerId: number, resource: Resource, count: number) {
    const { flexible, secondaryMax } = this.description[resource];
    const secondary = this.#secondary(controllerId);
    if (secondary === undefined) return refuse(NVME_STATUS.invalidControllerId);
    if (secondary.online) return refuse(NVME_STATUS.invalidSecondaryState);
    if (count > secondaryMax) return refuse(NVME_STATUS.invalidResourceCount);
    // What the primary controller has now, and what it will have, are both spoken for.
    const primary = Math.max(this.primary[resource], this.#nextPrimary[resource]);
    const free = flexible - primary - this.assigned(resource);
    if (count - secondary[resource] > free) return refuse(NVME_STATUS.invalidResourceId);
    secondary[resource] = count;
    return { status: NVME_STATUS.success, modified: count };
  }

  /** QEMU's `nvme_virt_set_state`: two queues, for admin and I/O, a vector, and its VF are needed. */
  #setState(controllerId: number, online: boolean) {
    const secondary = this.#secondary(controllerId);
    if (secondary === undefined) return refuse(NVME_STATUS.invalidControllerId);
    if (!online) this.#takeOffline(secondary);
    else if (secondary.vq < 2 || secondary.vi < 1 || secondary.vfNumber > this.#numVfs) {
      return refuse(NVME_STATUS.invalidSecondaryState);
    } else if (!secondary.online) {
      secondary.online = true;
      this.#stateChanged(secondary);
    }
    return { status: NVME_STATUS.success, modified: 0 };
  }

  #takeOffline(secondary: Secondary): void {
    if (this.description.keepsResources !== true) for (const resource of RESOURCES) secondary[resource] = 0;
    if (!secondary.online) return;
    secondary.online = false;
    this.#stateChanged(secondary);
  }

  #secondary(controllerId: number): Secondary | undefined {
    return this.secondaries.find((each) => each.controllerId === controllerId);
  }
}

function refuse(status: number) {
  return { status: status | NVME_DNR, modified: 0 };
}
