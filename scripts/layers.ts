/** A layer of src/. A file belongs to the layer with the longest path that its own path begins with. */
export interface Layer {
  readonly name: string;
  readonly path: string;
  /** Runs in a browser too: imports no `node:` module. */
  readonly pure?: true;
  /** The layers that it may import besides itself; every earlier one where left out. Only earlier ones can stand here. */
  readonly imports?: readonly string[];
  /** The npm packages that it may import; any where left out. */
  readonly packages?: readonly string[];
}

/**
 * The layers, lowest first: imports point upwards in this list only. All rules are generated from it
 * (scripts/check-layers.ts). Tests (`x.test.ts`, `testing/`) stand outside the layers: they may bring any kernel or machine.
 */
export const LAYERS: readonly Layer[] = [
  { name: "errors", path: "src/errors/", pure: true, packages: [] },
  // A lock that ends with its process.
  { name: "process lock", path: "src/process-lock/", imports: [], packages: [] },
  // Documents by a schema, with line and column of what is wrong.
  { name: "yaml", path: "src/yaml/", pure: true, imports: ["errors"], packages: ["yaml", "zod"] },
  { name: "pci", path: "src/pci/", pure: true, packages: [] },
  { name: "hardware", path: "src/hardware/", pure: true, packages: [] },
  // port.ts, and port-….ts beside it: what a kernel offers, in types.
  { name: "port", path: "src/kernel/port", pure: true, imports: ["errors", "pci"], packages: [] },
  { name: "kernels", path: "src/kernel/", imports: ["errors", "pci", "port"] },
  {
    name: "kernel model",
    path: "src/kernel/model/",
    imports: ["errors", "process lock", "yaml", "pci", "hardware", "port", "kernels"],
    packages: ["zod"],
  },
  {
    name: "sources",
    path: "src/kernel/open-source",
    imports: ["errors", "port", "kernels", "kernel model"],
    packages: [],
  },
  { name: "host", path: "src/host/", pure: true, imports: ["errors", "yaml", "pci", "port"] },
  // What a host's vfleet keeps on disk: operations, locks, what is desired.
  { name: "state", path: "src/state/", imports: ["errors", "process lock", "yaml", "pci", "port", "host"] },
  // QEMU's monitor, which the lab and guests speak to.
  { name: "qmp", path: "src/qmp/", imports: ["errors"], packages: [] },
  { name: "lab", path: "src/lab/", imports: ["errors", "qmp"], packages: [] },
  { name: "guests", path: "src/guests/" },
  { name: "fleet", path: "src/fleet/" },
  { name: "integrations", path: "src/integrations/" },
  // What asks a server, from a program or a page.
  { name: "client", path: "src/client/", pure: true, imports: ["errors"], packages: [] },
  // Hosts behind a server, as commands work at hosts.
  {
    name: "remote",
    path: "src/remote/",
    imports: ["errors", "client", "port", "kernels", "host", "fleet"],
    packages: [],
  },
  { name: "server", path: "src/server/" },
  { name: "cli", path: "src/cli/" },
];

/** A file or folder name that says nothing of what is inside. */
export const MEANINGLESS_NAMES = /(?:^|[/-])(?:common|helpers?|manager|misc|utils?)(?=[./-])/;
