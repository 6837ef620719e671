import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { physicalFunctions, readInventory } from "../../host/inventory.ts";
import { openSource } from "../../kernel/open-source.ts";
import { packageFile } from "../names.ts";
import { note, print } from "../output.ts";
import { preflight } from "./preflight.ts";
import { scan } from "./scan.ts";

/** The host that is shown where this machine has no SR-IOV device: captured from QEMU's igb, NVMe and virtio PFs. */
const EXAMPLE_HOST = "fixtures/hosts/igb-nvme.tar.gz";

/** `npm start`: inventory and preflight of this machine, or of the example host where it has no SR-IOV device. */
export async function start(): Promise<number> {
  const source = await startSource();
  await scan({ source: [source] });
  print("\n");
  await preflight(undefined, { source });
  const option = source === "linux" ? "" : ` --source ${source}`;
  if (source !== "linux") note("\nTo try things on a modelled card: vfleet model shell");
  note(
    `\nNext: vfleet scan --tree${option} · vfleet show BDF${option} · vfleet preflight BDF --vfs N${option} · vfleet --help`,
  );
  return 0;
}

async function startSource(): Promise<string> {
  const example = `snapshot:${relative("", fileURLToPath(packageFile(EXAMPLE_HOST)))}`;
  try {
    const inventory = await readInventory(await openSource("linux"));
    if (physicalFunctions(inventory).length > 0) return "linux";
    print(
      `This machine has ${inventory.functions.size} PCI functions and none with SR-IOV; what follows is the bundled example host.\n\n`,
    );
  } catch (error) {
    print(
      `This machine cannot be read (${error instanceof Error ? error.message : error}); what follows is the bundled example host.\n\n`,
    );
  }
  return example;
}
