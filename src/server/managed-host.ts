import type { HostSetting } from "../fleet/host-setting.ts";
import type { WatchedHost } from "../fleet/watched-host.ts";

/** A host that the server works at. */
export interface ManagedHost {
  readonly name: string;
  readonly setting: HostSetting;
  readonly watched: WatchedHost;
}
