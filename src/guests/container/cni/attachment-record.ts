import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { because, CniError } from "./cni-error.ts";
import type { Attachment, VfSettings } from "./configuration.ts";

/**
 * What an attachment was made of, and what was there before: written before anything is changed, and gone when all is back. So
 * whatever dies in between, DEL or GC finds what to put back.
 */
export interface AttachmentRecord extends Attachment {
  readonly format: 1;
  readonly network: string;
  readonly netns: string;
  /** Address of the VF; null of an interface that is none. */
  readonly deviceId: string | null;
  /** The VF's interface as it was; null of a VF on vfio-pci, which has none. */
  readonly before: LinkBefore | null;
  /** The MAC address that it is given. */
  readonly mac: string | null;
  /** The VF's settings as they were; those only that are changed. */
  readonly settingsBefore: VfSettings & { readonly mac?: string };
  readonly settings: VfSettings & { readonly mac?: string };
  readonly mtu: number | null;
  readonly deviceInfoFile: string | null;
  /** For IPAM: the configuration of the ADD, where there is an IPAM plugin. */
  readonly ipamConfiguration: Readonly<Record<string, unknown>> | null;
}

/** An interface as it was. */
export interface LinkBefore {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
}

/** Records of one folder, a file each. */
export class RecordFolder {
  readonly #folder: string;

  /** @throws CniError where it cannot be made */
  constructor(folder: string) {
    this.#folder = folder;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw because("io", `${folder} cannot be made`, error);
    }
  }

  /** @throws CniError where it cannot be read */
  all(): readonly AttachmentRecord[] {
    return readdirSync(this.#folder).flatMap((name) => (name.endsWith(".json") ? (this.#read(name) ?? []) : []));
  }

  get(attachment: Attachment): AttachmentRecord | undefined {
    return this.#read(nameOf(attachment));
  }

  /** On the disk when this returns. */
  put(record: AttachmentRecord): void {
    const path = join(this.#folder, nameOf(record));
    const draft = join(this.#folder, `.${nameOf(record)}.${process.pid}`);
    try {
      const fd = openSync(draft, "w", 0o600);
      try {
        writeSync(fd, JSON.stringify(record));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(draft, path);
      this.#sync();
    } catch (error) {
      rmSync(draft, { force: true });
      throw because("io", `${path} cannot be written`, error);
    }
  }

  remove(attachment: Attachment): void {
    rmSync(join(this.#folder, nameOf(attachment)), { force: true });
    this.#sync();
  }

  /** Undefined where there is none, and of one that ended meanwhile. */
  #read(name: string): AttachmentRecord | undefined {
    const path = join(this.#folder, name);
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw because("io", `${path} cannot be read`, error);
    }
    try {
      const record = JSON.parse(text) as AttachmentRecord;
      if (record.format === 1 && typeof record.containerId === "string") return record;
    } catch {
      // Told below.
    }
    throw new CniError("io", `${path} holds no record of an attachment`);
  }

  #sync(): void {
    const fd = openSync(this.#folder, "r");
    fsyncSync(fd);
    closeSync(fd);
  }
}

/** Neither a container ID nor a name of an interface has a colon. */
function nameOf({ containerId, ifname }: Attachment): string {
  return `${containerId}:${ifname}.json`;
}
