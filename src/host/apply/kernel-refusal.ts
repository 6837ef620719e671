import type { ErrorCode } from "../../errors/catalogue.ts";
import { CATALOGUE } from "../../errors/catalogue.ts";
import type { StepKind } from "../plan/step.ts";

/** One cause that is known: all that is given must match. */
interface KnownRefusal {
  readonly code: ErrorCode;
  readonly steps?: readonly StepKind[];
  readonly errnos: readonly string[];
  /** A line of the kernel log meanwhile. */
  readonly log?: RegExp;
  /** What was written to. */
  readonly target?: RegExp;
}

/** By the errno, the step and what the kernel logged meanwhile; the first that matches counts. */
const KNOWN: readonly KnownRefusal[] = [
  // `sriov_numvfs_store`, `sriov_enable` (drivers/pci/iov.c).
  { code: "VFL-0321", steps: ["setNumVfs"], errnos: ["EBUSY"], log: /VFs already enabled/ },
  {
    code: "VFL-0322",
    steps: ["setNumVfs"],
    errnos: ["ENOMEM"],
    log: /bus number out of range|bus [\da-f]+ out of range/,
  },
  {
    code: "VFL-0323",
    steps: ["setNumVfs"],
    errnos: ["ENOMEM"],
    log: /not enough MMIO resources|IOV BARs? not allocated/i,
  },
  { code: "VFL-0324", steps: ["setNumVfs"], errnos: ["ERANGE"] },
  { code: "VFL-0325", steps: ["setNumVfs"], errnos: ["ENOENT"] },
  { code: "VFL-0321", steps: ["setNumVfs"], errnos: ["EBUSY"] },
  // ice and i40e: the VF is still in reset (`ice_check_vf_ready_for_cfg`, `i40e_check_vf_init`).
  { code: "VFL-0335", steps: ["setVfNetwork"], errnos: ["EBUSY", "EAGAIN"] },
  { code: "VFL-0326", errnos: ["EAGAIN"] },
  { code: "VFL-0331", errnos: ["ENOSPC"] },
  { code: "VFL-0338", steps: ["setNumVfs", "setMsixCount"], errnos: ["ENOMEM"] },
  { code: "VFL-0333", steps: ["setMsixCount"], errnos: ["EBUSY"] },
  { code: "VFL-0334", steps: ["setEswitchMode"], errnos: ["EBUSY"] },
  { code: "VFL-0330", steps: ["setVfNetwork"], errnos: ["EINVAL"], target: /txRateMbps$/ },
  { code: "VFL-0337", steps: ["resetVf"], errnos: ["ENOTTY"] },
  { code: "VFL-0339", steps: ["loadModule"], errnos: ["ENOENT", "ENOEXEC", "EINVAL"] },
  { code: "VFL-0327", errnos: ["EPERM"] },
  { code: "VFL-0332", errnos: ["EACCES", "EROFS"] },
  { code: "VFL-0328", errnos: ["EOPNOTSUPP", "EPROTONOSUPPORT", "ENOSYS"] },
  { code: "VFL-0329", errnos: ["ENODEV", "ENXIO"] },
  { code: "VFL-0340", errnos: ["EINVAL"] },
  { code: "VFL-0341", errnos: ["EIO", "ETIMEDOUT"] },
];

/** Why the kernel refused a write, as far as that is known, and what to do. */
export interface KernelRefusal {
  readonly code: ErrorCode;
  readonly title: string;
  readonly remedy: string;
}

/** @param log lines of the kernel log meanwhile */
export function kernelRefusal(
  step: StepKind,
  errno: string | null,
  target: string | null,
  log: readonly string[],
): KernelRefusal {
  const known = KNOWN.find(
    (each) =>
      errno !== null &&
      each.errnos.includes(errno) &&
      (each.steps?.includes(step) ?? true) &&
      (each.log === undefined || log.some((line) => each.log?.test(line))) &&
      (each.target === undefined || each.target.test(target ?? "")),
  );
  const code = known?.code ?? "VFL-0301";
  const { title, remedy } = CATALOGUE[code];
  return { code, title, remedy };
}
