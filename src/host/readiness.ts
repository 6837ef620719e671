import { type HostFunction, offeredVfs, presentVfs } from "./inventory.ts";
import type { Preflight } from "./preflight/preflight.ts";

/** Whether a PF can give VFs now, in one word with the reason. */
export interface Readiness {
  /** `limited`: fewer than the device offers. `full`: all VFs exist. */
  readonly word: "yes" | "no" | "limited" | "full" | "unknown";
  readonly reason: string;
  /** Of the finding behind it. */
  readonly code?: string;
}

/** Checks without an answer to which nobody can say whether the kernel would make VFs. */
const DECISIVE = new Set(["limits", "pf-driver", "capability", "vf-bar-space", "bus-numbers", "dependency-link"]);

/** Sums a preflight without a number asked for up into one word. Pure. */
export function readinessOf(pf: HostFunction, result: Preflight): Readiness {
  const refusal = result.findings.find((finding) => finding.result === "refuse");
  if (refusal) return { word: "no", reason: refusal.summary, code: refusal.code };
  const open = result.findings.find((finding) => finding.result === "unknown" && DECISIVE.has(finding.check));
  if (open) return { word: "unknown", reason: open.summary, code: open.code };
  const offered = offeredVfs(pf);
  const present = presentVfs(pf);
  if (offered !== undefined && present > 0 && present >= offered) return { word: "full", reason: "all VFs exist" };
  if (offered !== undefined && result.largest !== null && result.largest < offered) {
    return { word: "limited", reason: `${result.largest} of ${offered} VFs would work` };
  }
  const warning = result.findings.find((finding) => finding.result === "warn");
  return { word: "yes", reason: warning?.summary ?? "", ...(warning ? { code: warning.code } : {}) };
}
