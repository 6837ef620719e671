/** What of a QEMU's command line tells who it is, and where its monitor listens. */
export interface QemuOptions {
  /** Of `-name`; null where it has none. */
  readonly name: string | null;
  readonly uuid: string | null;
  /** Sockets of monitors that speak QMP, as they are written: relative ones are below its working folder. */
  readonly monitors: readonly string[];
  /** Monitors that are reached otherwise, as `fd=21` of libvirt's. */
  readonly otherMonitors: readonly string[];
}

/**
 * Reads a QEMU's arguments (qemu(1)). Monitors are `-qmp unix:PATH,...`, and `-mon chardev=ID,mode=control` with the
 * `-chardev socket,id=ID,path=PATH` that it names.
 */
export function parseQemuOptions(args: readonly string[]): QemuOptions {
  let name: string | null = null;
  let uuid: string | null = null;
  const sockets = new Map<string, ReadonlyMap<string, string>>();
  const monitors: string[] = [];
  const others: string[] = [];
  const chardevs: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const option = args[index]?.replace(/^--?/, "-");
    const value = args[index + 1] ?? "";
    switch (option) {
      case "-name":
        name = parseOption(value, "guest").get("guest") ?? null;
        break;
      case "-uuid":
        uuid = value;
        break;
      case "-qmp":
      case "-qmp-pretty": {
        const path = parseOption(value, "address").get("address") ?? "";
        if (path.startsWith("unix:")) monitors.push(path.slice("unix:".length));
        else others.push(path);
        break;
      }
      case "-chardev": {
        const chardev = parseOption(value, "backend");
        sockets.set(chardev.get("id") ?? "", chardev);
        break;
      }
      case "-mon": {
        const mon = parseOption(value, "chardev");
        if (mon.get("mode") === "control") chardevs.push(mon.get("chardev") ?? "");
        break;
      }
      default:
        continue;
    }
    index++;
  }
  // A character device may follow the monitor that names it.
  for (const id of chardevs) {
    const socket = sockets.get(id);
    const path = socket?.get("path");
    if (socket?.get("backend") === "socket" && path !== undefined) monitors.push(path);
    else others.push(socket?.has("fd") ? `fd=${socket.get("fd")}` : `chardev ${id}`);
  }
  return { name, uuid, monitors, otherMonitors: others };
}

/** `a,b=c,d=e,,f`: the first may stand without its key; a doubled comma is one of the value (`opts_parse`). */
function parseOption(text: string, first: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const parts = text.replaceAll(",,", "\0").split(",");
  for (const [index, part] of parts.entries()) {
    const [key = "", ...value] = part.replaceAll("\0", ",").split("=");
    if (index === 0 && value.length === 0) found.set(first, key);
    else found.set(key, value.length === 0 ? "on" : value.join("="));
  }
  return found;
}
