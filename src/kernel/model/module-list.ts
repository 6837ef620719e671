import { KernelError } from "./kernel-error.ts";
import type { KernelModule, Linux, ModuleParameter, Modules } from "./linux.ts";
import { kstrtobool, kstrtoint } from "./parse-value.ts";
import type { Folder } from "./sysfs-tree.ts";

interface Loaded {
  readonly module: KernelModule;
  readonly folder: Folder;
  readonly parameters: Map<string, string>;
  /** Names of those that need it. */
  readonly neededBy: Set<string>;
}

const decoder = new TextDecoder();

/** Modules: what can be loaded, and what is (kernel/module, kernel/params.c). */
export class ModuleList implements Modules {
  readonly #linux: () => Linux;
  readonly #known: ReadonlyMap<string, KernelModule>;
  readonly #loaded = new Map<string, Loaded>();

  constructor(linux: () => Linux, known: readonly KernelModule[]) {
    this.#linux = linux;
    this.#known = new Map(known.map((module) => [module.name, module]));
  }

  async loadBuiltIn(): Promise<void> {
    for (const { name, builtIn } of this.#known.values()) if (builtIn === true) await this.load(name);
  }

  isLoaded(name: string): boolean {
    return this.#loaded.has(name);
  }

  parameter(module: string, name: string): string | undefined {
    return this.#loaded.get(module)?.parameters.get(name);
  }

  async load(name: string): Promise<void> {
    const plain = name.replaceAll("-", "_");
    if (this.#loaded.has(plain)) return;
    const module = this.#known.get(plain);
    if (module === undefined) throw new KernelError("ENOENT");
    for (const needed of module.needs ?? []) {
      await this.load(needed);
      this.#loaded.get(needed)?.neededBy.add(plain);
    }
    const linux = this.#linux();
    const folder = linux.sys.folders("module").folder(plain);
    const entry: Loaded = { module, folder, parameters: new Map(), neededBy: new Set() };
    for (const [key, parameter] of Object.entries(module.parameters ?? {})) addParameter(entry, key, parameter);
    if (module.version !== undefined) folder.shows("version", () => module.version ?? "");
    if (module.builtIn !== true) folder.shows("refcnt", () => String(entry.neededBy.size));
    this.#loaded.set(plain, entry);
    linux.uevents.send("add", `/module/${plain}`, "module", {});
    module.init?.(linux);
    for (const wanted of module.wants ?? []) await this.load(wanted);
    for (const driver of module.drivers ?? []) await linux.drivers.register(driver);
  }

  /** As `modprobe -r`: with what it needed where nothing else does. */
  async unload(name: string): Promise<void> {
    const plain = name.replaceAll("-", "_");
    const entry = this.#loaded.get(plain);
    if (entry === undefined) {
      if (!this.#known.has(plain)) throw new KernelError("ENOENT");
      return;
    }
    if (entry.module.builtIn === true || entry.neededBy.size > 0) throw new KernelError("EBUSY");
    const linux = this.#linux();
    for (const driver of entry.module.drivers ?? []) await linux.drivers.unregister(driver);
    entry.module.exit?.(linux);
    this.#loaded.delete(plain);
    entry.folder.remove();
    linux.uevents.send("remove", `/module/${plain}`, "module", {});
    for (const needed of entry.module.needs ?? []) {
      const other = this.#loaded.get(needed);
      other?.neededBy.delete(plain);
      if (other?.neededBy.size === 0 && other.module.builtIn !== true) await this.unload(needed);
    }
  }

  /** /proc/modules */
  get procModules(): string {
    const lines = [...this.#loaded.values()]
      .filter(({ module }) => module.builtIn !== true)
      .reverse()
      .map(({ module, neededBy }) => {
        const users = [...neededBy].map((user) => `${user},`).join("") || "-";
        return `${module.name} 16384 ${neededBy.size} ${users} Live 0x0000000000000000\n`;
      });
    return lines.join("");
  }
}

function addParameter({ folder, parameters }: Loaded, name: string, { value, type, writable }: ModuleParameter): void {
  parameters.set(name, value);
  folder.folder("parameters").file(name, {
    mode: writable === true ? 0o644 : 0o444,
    show: () => `${parameters.get(name)}\n`,
    ...(writable === true
      ? { store: (written: Uint8Array) => void parameters.set(name, parsed(type, decoder.decode(written))) }
      : {}),
  });
}

/** `param_set_bool` and its like. */
function parsed(type: ModuleParameter["type"], text: string): string {
  if (type === "bool") return kstrtobool(text) ? "Y" : "N";
  return type === "string" ? text.replace(/\n$/, "") : String(kstrtoint(text));
}
