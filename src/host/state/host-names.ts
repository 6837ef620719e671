import { isUnread, type Kernel, type Observed, unread } from "../../kernel/port.ts";
import { kernelRelease } from "../inventory.ts";
import { readText } from "../observe.ts";

const MACHINE_ID = "/etc/machine-id";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
/** modules.alias of a distribution's kernel has 1 to 2 MB. */
const ALIASES_LIMIT_BYTES = 8 * 2 ** 20;

/** machine-id(5); unread also where it is not one, as in an image that was never booted. */
export async function readHostId(kernel: Kernel): Promise<Observed<string>> {
  const text = await readText(kernel, MACHINE_ID);
  if (isUnread(text)) return text;
  return /^[0-9a-f]{32}$/.test(text) ? text : unread(MACHINE_ID, "EINVAL", "it holds no machine ID");
}

/** random(4): another one after each boot. */
export function readBootId(kernel: Kernel): Promise<Observed<string>> {
  return readText(kernel, BOOT_ID);
}

/** Modules that are there: loaded, or part of the kernel. */
export async function readModules(kernel: Kernel): Promise<Observed<readonly string[]>> {
  const loaded = await readText(kernel, "/proc/modules");
  if (isUnread(loaded)) return loaded;
  const release = await kernelRelease(kernel);
  // What is built in is in no list of the running kernel; without the distribution's files, it is not known.
  const builtIn = isUnread(release) ? release : await readText(kernel, `/lib/modules/${release}/modules.builtin`);
  const names = [
    ...lines(loaded).flatMap((line) => line.split(" ")[0] || []),
    ...(isUnread(builtIn) ? [] : lines(builtIn).flatMap((line) => /([^/]+)\.ko$/.exec(line)?.[1] ?? [])),
  ];
  return [...new Set(names.map((name) => name.replaceAll("-", "_")))].sort();
}

/** `alias vfio_pci:...` of modules.alias: which variant driver is for which functions. */
export interface VfioAlias {
  readonly pattern: string;
  readonly module: string;
}

/**
 * Variant drivers that this kernel has, by `MODULE_DEVICE_TABLE` of entries with `PCI_DRIVER_OVERRIDE_DEVICE_VFIO`
 * (scripts/mod/file2alias.c writes them as vfio_pci: in place of pci:).
 */
export async function readVfioAliases(kernel: Kernel): Promise<Observed<readonly VfioAlias[]>> {
  const release = await kernelRelease(kernel);
  if (isUnread(release)) return release;
  const bytes = await kernel.read(`/lib/modules/${release}/modules.alias`, ALIASES_LIMIT_BYTES);
  if (isUnread(bytes)) return bytes;
  return lines(new TextDecoder().decode(bytes)).flatMap((line) => {
    if (!line.startsWith("alias vfio_pci:")) return [];
    const [, pattern = "", module = ""] = line.split(" ");
    return [{ pattern, module }];
  });
}

/** IDs as modules' aliases have them. */
export interface AliasIds {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly classCode: number;
}

/**
 * The variant for functions with these IDs: the pattern with the fewest wildcards that matches, as libvirt chooses; null where
 * none does. vfio-pci itself stands for any function.
 */
export function vfioVariantOf(aliases: readonly VfioAlias[], ids: AliasIds): string | null {
  const wildcards = ({ pattern }: VfioAlias) => pattern.split("*").length;
  const found = aliases.filter(({ pattern, module }) => module !== "vfio_pci" && matches(pattern, ids));
  return found.sort((a, b) => wildcards(a) - wildcards(b))[0]?.module ?? null;
}

/** `vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*`; subsystem IDs, which VFs share with others, only as wildcards. */
function matches(pattern: string, { vendorId, deviceId, classCode }: AliasIds): boolean {
  const parts =
    /^vfio_pci:v(\*|[0-9A-F]{8})d(\*|[0-9A-F]{8})sv\*sd\*bc(\*|[0-9A-F]{2})sc(\*|[0-9A-F]{2})i(\*|[0-9A-F]{2})/.exec(
      pattern,
    );
  if (parts === null) return false;
  const wanted = [vendorId, deviceId, classCode >>> 16, (classCode >>> 8) & 0xff, classCode & 0xff];
  return wanted.every((value, index) => {
    const part = parts[index + 1];
    return part === "*" || Number.parseInt(part ?? "", 16) === value;
  });
}

function lines(text: string): string[] {
  return text.split("\n");
}
