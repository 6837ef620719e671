import { open } from "node:fs/promises";
import type { VfForGuest } from "../../host/guest-port.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const LIMIT_BYTES = 256;
const OTHERS = 0o007;

/** What the kernel wants beside the VF; null where it wants nothing. Why there is none is told without a word of what the file has. */
export type VfToken =
  | { readonly uuid: string | null }
  | { readonly code: "VFL-0407" | "VFL-0408"; readonly why: string };

/**
 * The token of a VF whose PF is on vfio-pci (`vfio_pci_validate_vf_token`). Where the PF has its own driver the kernel refuses
 * a token, so that a file that is named all the same is not read.
 */
export async function readVfToken({ bdf, pfOnVfio, attachment }: VfForGuest): Promise<VfToken> {
  const { vfTokenFile: path } = attachment;
  if (!pfOnVfio) return { uuid: null };
  if (path === undefined) {
    return { code: "VFL-0407", why: `the PF of ${bdf} is on vfio-pci: the VF wants the token of the PF's user` };
  }
  try {
    const file = await open(path, "r");
    try {
      const { mode } = await file.stat();
      if (mode & OTHERS) return { code: "VFL-0408", why: `${path} is not secret: all users have rights to it` };
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LIMIT_BYTES), 0, LIMIT_BYTES, null);
      const uuid = buffer.toString("utf8", 0, bytesRead).trim();
      return UUID.test(uuid) ? { uuid } : { code: "VFL-0408", why: `${path} has no UUID` };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    return { code: "VFL-0408", why: `${path} cannot be read: ${code}` };
  }
}
