import { dirname, join } from "node:path";
import { modelsFolder } from "../kernel/model/remote/state-folder.ts";

/** Of a server that this user starts: root's is the host's; another's is theirs. */
export function serverFolder(): string {
  return process.geteuid?.() === 0 ? "/var/lib/vfleet/server" : join(dirname(modelsFolder()), "server");
}
