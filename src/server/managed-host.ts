import { VfleetError } from "../errors/vfleet-error.ts";
import type { AerWatch } from "../fleet/aer-watch.ts";
import type { HostSetting } from "../fleet/host-setting.ts";
import type { IommuFaultWatch } from "../fleet/iommu-fault-watch.ts";
import type { WatchedHost } from "../fleet/watched-host.ts";

/** A host that the server works at. */
export interface ManagedHost {
  readonly name: string;
  readonly setting: HostSetting;
  readonly watched: WatchedHost;
  readonly aer: AerWatch;
  /** Undefined of a picture of a host. */
  readonly iommuFaults: IommuFaultWatch | undefined;
  /** Fulfilled once what an earlier server was killed in the middle of has been ended: a plan made before would overtake it. */
  readonly recovered: Promise<void>;
}

/** @throws VfleetError VFL-0504 where there is none of that name */
export function hostNamed(hosts: readonly ManagedHost[], name: string): ManagedHost {
  const host = hosts.find((each) => each.name === name);
  if (host === undefined) throw new VfleetError("VFL-0504", { message: `there is no host ${name}` });
  return host;
}
