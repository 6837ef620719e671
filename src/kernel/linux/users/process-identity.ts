import { closeSync, constants, openSync } from "node:fs";
import type { ProcessFact } from "../../port-use-facts.ts";
import type { ContainerIdentity, GuestIdentity } from "../../port-users.ts";
import { readFile } from "../../read-file.ts";
import { parseQemuOptions } from "./qemu-options.ts";

/** A QEMU with a hundred devices has some 20 kB. */
const COMMAND_LINE_LIMIT_BYTES = 256 * 1024;

/** Names a process by its command, guest and container; by its number alone where it has ended. */
export function identifyProcess(prefix: string, pid: number): ProcessFact {
  const command = procText(`${prefix}/proc/${pid}/comm`)?.trim();
  const args = procText(`${prefix}/proc/${pid}/cmdline`)?.split("\0") ?? [];
  const cgroup = procText(`${prefix}/proc/${pid}/cgroup`) ?? "";
  const guest = guestOf(args, cgroup);
  const container = containerOf(cgroup);
  return {
    pid,
    ...(command === undefined ? {} : { command }),
    ...(guest === undefined ? {} : { guest }),
    ...(container === undefined ? {} : { container }),
  };
}

/** Undefined where the process has ended or may not be looked at: it keeps the number it was found by. */
function procText(path: string): string | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      return Buffer.from(readFile(fd, COMMAND_LINE_LIMIT_BYTES)).toString("utf8");
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/**
 * The guest that a process runs: QEMU's `-name` and `-uuid`, or the scope that systemd-machined made for it,
 * `machine-qemu\x2d3\x2dweb.scope` (libvirt's virSystemdMakeScopeName; \x2d is a dash).
 */
export function guestOf(args: readonly string[], cgroup: string): GuestIdentity | undefined {
  const isQemu = /(?:^|\/)(?:qemu|kvm)[^/]*$/.test(args[0] ?? "");
  const options = isQemu ? parseQemuOptions(args) : undefined;
  const name = options?.name || scopeGuest(cgroup);
  const uuid = options?.uuid;
  if (!name && !uuid) return undefined;
  return { ...(name ? { name } : {}), ...(uuid ? { uuid } : {}) };
}

function scopeGuest(cgroup: string): string | undefined {
  const scope = /\/machine-qemu\\x2d\d+\\x2d([^/\n]+)\.scope/.exec(cgroup)?.[1];
  return scope?.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

const ID = "[0-9a-f]{64}";
/** How runtimes name a container's control group, by systemd's scopes and without (cgroupfs). */
const RUNTIMES: ReadonlyArray<readonly [string, RegExp]> = [
  ["docker", new RegExp(`/docker[-/](${ID})`)],
  ["podman", new RegExp(`/libpod-(${ID})`)],
  ["cri-o", new RegExp(`/crio-(${ID})`)],
  ["containerd", new RegExp(`/cri-containerd-(${ID})`)],
  // kubelet's cgroupfs driver does not tell the runtime.
  ["kubernetes", new RegExp(`/kubepods[^\n]*[/:-](${ID})`)],
  ["lxc", /\/lxc(?:\.payload\.|\/)([^/\n]+)/],
  ["nspawn", /\/machine\.slice\/systemd-nspawn@([^/\n]+)\.service/],
];

/** The container of a process, from /proc/PID/cgroup. */
export function containerOf(cgroup: string): ContainerIdentity | undefined {
  for (const [runtime, pattern] of RUNTIMES) {
    const id = pattern.exec(cgroup)?.[1];
    if (id === undefined) continue;
    // As a slice, the UID has `_` for `-`, which separates the levels of slices.
    const pod = /\/(?:kubepods[^/]*-)?pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})/.exec(cgroup)?.[1];
    return { runtime, id, ...(pod === undefined ? {} : { pod: pod.replaceAll("_", "-") }) };
  }
  return undefined;
}
