import { hostname, networkInterfaces } from "node:os";

/** What the machine is called by others; it may change while a server runs. */
export interface MachineNames {
  readonly hostname: string;
  readonly addresses: readonly string[];
}

/** Names and addresses of this machine, now; those that hold on one link alone left out. */
export function machineNames(): MachineNames {
  const addresses = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ scopeid }) => !scopeid).map(({ address }) => address),
  );
  return { hostname: hostname(), addresses };
}
