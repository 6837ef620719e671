import type { GuestObstacle } from "../host/guest-port.ts";

/** Why a guest can't have a VF, where there is no more to show for it than the answer itself, or that. */
export function obstacle(
  code: string,
  summary: string,
  remedy: string,
  evidence: GuestObstacle["evidence"] = [],
): GuestObstacle {
  return { code, summary, evidence, remedy };
}
