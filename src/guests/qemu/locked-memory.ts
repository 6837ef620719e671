import { isUnread, type Kernel } from "../../kernel/port.ts";

/** include/uapi/linux/capability.h */
const CAP_IPC_LOCK = 14n;
const LIMIT_BYTES = 64 * 1024;

/**
 * How much memory a process may lock, in bytes; undefined where there is no limit for it (`account_locked_vm` asks neither who
 * has CAP_IPC_LOCK nor whom RLIMIT_MEMLOCK leaves free), or it could not be read.
 */
export async function lockableMemory(kernel: Kernel, pid: number): Promise<number | undefined> {
  const text = async (file: string) => {
    const bytes = await kernel.read(`/proc/${pid}/${file}`, LIMIT_BYTES);
    return isUnread(bytes) ? "" : new TextDecoder().decode(bytes);
  };
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(await text("status"))?.[1];
  if (effective !== undefined && (BigInt(`0x${effective}`) >> CAP_IPC_LOCK) & 1n) return undefined;
  const soft = /^Max locked memory\s+(\d+|unlimited)/m.exec(await text("limits"))?.[1];
  return soft === undefined || soft === "unlimited" ? undefined : Number(soft);
}

/** `512 MiB`: for a person. */
export function mib(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
