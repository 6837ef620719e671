import { STANDARD_CAPABILITIES } from "./capabilities/index.ts";
import type { Capability } from "./capability.ts";
import { ACS } from "./extended/acs.ts";
import { ARI } from "./extended/ari.ts";
import { LINK_AND_POWER_CAPABILITIES } from "./extended/link-and-power.ts";
import { PROTOCOL_CAPABILITIES } from "./extended/protocol.ts";
import { SRIOV } from "./extended/sriov.ts";

/** Every capability with a definition, by its ID. */
export const CAPABILITIES: ReadonlyMap<number, Capability> = byId(STANDARD_CAPABILITIES);

/** Every extended capability with a definition, by its ID. */
export const EXTENDED_CAPABILITIES: ReadonlyMap<number, Capability> = byId([
  ACS,
  ARI,
  SRIOV,
  ...PROTOCOL_CAPABILITIES,
  ...LINK_AND_POWER_CAPABILITIES,
]);

function byId(definitions: readonly Capability[]): ReadonlyMap<number, Capability> {
  const map = new Map(definitions.map((definition) => [definition.id, definition]));
  if (map.size !== definitions.length) throw new Error("two capabilities are defined with one ID");
  return map;
}
