import { BlockStore } from "./block-store.ts";

/** Sizes of blocks that there are formats for, as powers of two: LBA formats 0 and 1. */
export const BLOCK_SHIFTS = [9, 12] as const;

/** A namespace as a subsystem begins with it. */
export interface NamespaceDescription {
  readonly id: number;
  readonly sizeBytes: number;
  /** 512 where left out. */
  readonly blockBytes?: 512 | 4096;
  /** Ids of the controllers that it is attached to; all where left out. More than one makes it a shared namespace. */
  readonly controllers?: readonly number[];
}

export interface Namespace {
  readonly id: number;
  /** Index into BLOCK_SHIFTS. */
  readonly format: number;
  readonly blocks: number;
  readonly shared: boolean;
  /** Ids of controllers, whether they are there now or not. */
  readonly attached: Set<number>;
  readonly store: BlockStore;
}

export interface SubsystemState {
  readonly namespaces: readonly {
    readonly id: number;
    readonly format: number;
    readonly blocks: number;
    readonly shared: boolean;
    readonly attached: readonly number[];
    readonly store: Readonly<Record<number, string>>;
  }[];
}

/** The most namespaces (NN). */
export const MOST_NAMESPACES = 256;

/** An NVM subsystem: the namespaces that its controllers share (NVM Express Base 2.0 §2.4, §3.2). */
export class Subsystem {
  readonly namespaces = new Map<number, Namespace>();
  /** All of its media (TNVMCAP). */
  readonly totalBytes: number;
  /** Tells controllers that a namespace has changed for them. */
  onChange: (namespaceId: number, controllerIds: ReadonlySet<number>) => void = () => {};

  constructor(totalBytes: number, namespaces: readonly NamespaceDescription[], controllerIds: readonly number[]) {
    this.totalBytes = totalBytes;
    for (const { id, sizeBytes, blockBytes = 512, controllers = controllerIds } of namespaces) {
      const format = blockBytes === 512 ? 0 : 1;
      this.#add({
        id,
        format,
        blocks: Math.floor(sizeBytes / blockBytes),
        shared: controllers.length > 1,
        attached: new Set(controllers),
        store: new BlockStore(),
      });
    }
    if (this.unallocatedBytes < 0)
      throw new RangeError(`namespaces need more than the ${totalBytes} bytes that there are`);
  }

  get unallocatedBytes(): number {
    return [...this.namespaces.values()].reduce((left, each) => left - bytesOf(each), this.totalBytes);
  }

  /** A namespace as a controller sees it; undefined where it is not attached. */
  active(controllerId: number, namespaceId: number): Namespace | undefined {
    const namespace = this.namespaces.get(namespaceId);
    return namespace?.attached.has(controllerId) ? namespace : undefined;
  }

  /** Namespace ids in order, above `after`: all that are allocated, or those attached to a controller. */
  ids(after: number, controllerId?: number): number[] {
    return [...this.namespaces.values()]
      .filter(({ id, attached }) => id > after && (controllerId === undefined || attached.has(controllerId)))
      .map(({ id }) => id)
      .sort((a, b) => a - b);
  }

  /** @returns its id; undefined where there are as many as there can be */
  create(format: number, blocks: number, shared: boolean): number | undefined {
    let id = 1;
    while (this.namespaces.has(id)) id++;
    if (id > MOST_NAMESPACES) return undefined;
    this.#add({ id, format, blocks, shared, attached: new Set(), store: new BlockStore() });
    return id;
  }

  /** Whoever has it attached is told. */
  delete(namespaceId: number): void {
    const namespace = this.namespaces.get(namespaceId);
    if (namespace === undefined) return;
    this.namespaces.delete(namespaceId);
    this.onChange(namespaceId, namespace.attached);
  }

  save(): SubsystemState {
    return {
      namespaces: [...this.namespaces.values()].map((each) => ({
        ...each,
        attached: [...each.attached],
        store: each.store.save(),
      })),
    };
  }

  restore({ namespaces }: SubsystemState): void {
    this.namespaces.clear();
    for (const { attached, store, ...rest } of namespaces) {
      const blocks = new BlockStore();
      blocks.restore(store);
      this.#add({ ...rest, attached: new Set(attached), store: blocks });
    }
  }

  #add(namespace: Namespace): void {
    if (namespace.id < 1 || namespace.id > MOST_NAMESPACES || this.namespaces.has(namespace.id)) {
      throw new RangeError(`namespace ids are different numbers from 1 to ${MOST_NAMESPACES}, not ${namespace.id}`);
    }
    this.namespaces.set(namespace.id, namespace);
  }
}

export function blockBytesOf({ format }: Namespace): number {
  return 1 << (BLOCK_SHIFTS[format] as number);
}

export function bytesOf(namespace: Namespace): number {
  return namespace.blocks * blockBytesOf(namespace);
}
