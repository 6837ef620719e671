import { gatherHost } from "../../host/capture/gather-host.ts";
import { isUnread } from "../../kernel/port.ts";
import { writeCapture } from "../../kernel/write-capture.ts";
import { packageVersion } from "../names.ts";
import { note } from "../output.ts";
import type { ServerOptions } from "../provision/access-options.ts";
import { openKernel } from "../provision/open-access.ts";

export interface CaptureCommandOptions extends ServerOptions {
  readonly source?: string;
  readonly anonymise?: boolean;
  readonly force?: boolean;
}

/** `vfleet capture OUT.tar.gz`: gathers what vfleet reads of a host into an archive that any vfleet can read. */
export async function capture(out: string, options: CaptureCommandOptions): Promise<number> {
  const kernel = await openKernel(options);
  const functions = await kernel.list("/sys/bus/pci/devices");
  note(`capturing ${kernel.source.name}: ${isUnread(functions) ? "no" : functions.length} PCI functions`);
  const entries = gatherHost(kernel, {
    vfleetVersion: packageVersion(),
    time: new Date(),
    anonymise: options.anonymise ?? false,
  });
  const count = await writeCapture(out, entries, { force: options.force ?? false });
  const unprivileged = process.getuid?.() !== 0 && kernel.source.kind === "linux";
  if (unprivileged) note("not run as root: of each function only the first 64 bytes of registers could be read");
  note(`${out === "-" ? "the archive" : out}: ${count} entries${options.anonymise ? ", anonymised" : ""}`);
  if (out !== "-") note(`read it with: vfleet scan --source snapshot:${out}`);
  return 0;
}
