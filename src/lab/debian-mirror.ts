import { spawnSync } from "node:child_process";
import { VfleetError } from "../errors/vfleet-error.ts";

/**
 * The address of a Debian archive, as this machine's own apt uses it; on another system, as VFLEET_DEBIAN_MIRROR says.
 * @throws VfleetError VFL-0031 where neither tells.
 */
export function debianMirror(): string {
  const { VFLEET_DEBIAN_MIRROR: given } = process.env;
  if (given) return given;
  const format = "$(ORIGIN)|$(LABEL)|$(REPO_URI)|$(CREATED_BY)";
  const { stdout } = spawnSync("apt-get", ["indextargets", "--format", format], { encoding: "utf8" });
  for (const line of (stdout ?? "").split("\n")) {
    const [origin, label, address, kind] = line.split("|");
    if (kind === "Packages" && origin === "Debian" && label === "Debian" && address) return address;
  }
  throw new VfleetError("VFL-0031", {
    message: "apt on this machine names no Debian archive to take packages from",
    remedy: "run apt-get update on Debian; elsewhere set VFLEET_DEBIAN_MIRROR to the address of a Debian archive",
  });
}
