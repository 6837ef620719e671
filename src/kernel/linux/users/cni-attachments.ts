import { existsSync, readdirSync, readFileSync } from "node:fs";
import { parseBdf } from "../../../pci/bdf.ts";
import type { CniAttachment, UseGap } from "../../port-use-facts.ts";

/** Where vfleet's CNI plugin and sriov-cni keep what they have given out, unless a network's configuration names another (`cniDir`). */
const FOLDER = "/var/lib/cni/sriov";
/** Of sriov-cni: a file for each VF, by its address, that holds the namespace's path (`PCIAllocator`). */
const ALLOCATIONS = `${FOLDER}/pci`;

/**
 * VFs that CNI plugins have given to containers. Of one on vfio-pci nothing else tells until a program in the container opens it. One
 * whose namespace is gone is nobody's: its DEL is to come.
 */
export function readCniAttachments(prefix: string): {
  readonly attachments: readonly CniAttachment[];
  readonly gaps: readonly UseGap[];
} {
  const attachments: CniAttachment[] = [];
  const gaps: UseGap[] = [];

  function tried<T>(path: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const { code = "EINVAL" } = error as NodeJS.ErrnoException;
      // A file may go as its container does.
      if (code === "ENOENT") return undefined;
      const reason = `attachments of CNI cannot be looked at: ${code} for ${path}`;
      gaps.push({ way: "cniAttachments", errno: code, reason });
      return undefined;
    }
  }

  function each(folder: string, read: (name: string, text: string) => Omit<CniAttachment, "path"> | undefined): void {
    for (const entry of tried(folder, () => readdirSync(prefix + folder, { withFileTypes: true })) ?? []) {
      if (!entry.isFile() || entry.name.startsWith(".")) continue;
      const path = `${folder}/${entry.name}`;
      const found = tried(path, () => read(entry.name, readFileSync(prefix + path, "utf8")));
      if (found !== undefined && existsSync(prefix + found.namespace)) attachments.push({ ...found, path });
    }
  }

  each(FOLDER, (name, text) => (name.endsWith(".json") ? ownAttachment(text) : undefined));
  each(ALLOCATIONS, (name, text) => {
    const bdf = parseBdf(name);
    return bdf && { bdf, namespace: text.trim() };
  });
  return { attachments, gaps };
}

/** As src/guests/container/cni/attachment-record.ts writes it. @throws SyntaxError of what is no JSON */
function ownAttachment(text: string): Omit<CniAttachment, "path"> | undefined {
  const { deviceId, netns, containerId } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const bdf = typeof deviceId === "string" ? parseBdf(deviceId) : undefined;
  if (bdf === undefined || typeof netns !== "string") return undefined;
  return { bdf, namespace: netns, ...(typeof containerId === "string" && { containerId }) };
}
