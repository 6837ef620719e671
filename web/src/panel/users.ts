import type { VfObject } from "./chosen.ts";

type User = VfObject["status"]["users"][number];

/** Who uses it, by the name that says most. */
export function userName({ who }: User): string {
  const { guest, container, claim, namespace, command, pid, mountPoint, blockDevice, netdev } = who;
  const process = command === undefined && pid === undefined ? undefined : [command, pid && `(pid ${pid})`];
  const names = [
    text("guest", nameIn(guest)),
    text("container", nameIn(container)),
    text("claim", claim),
    text("namespace", namespace),
    process?.filter(Boolean).join(" "),
    text("mount", mountPoint),
    text("block device", blockDevice),
    text("interface", netdev),
  ];
  return names.find((name) => name !== undefined) ?? "somebody";
}

/** `in use by guest web and claim db`; undefined where nobody is known to use it. */
export function inUseBy(users: readonly User[]): string | undefined {
  const names = [...new Set(users.map(userName))];
  if (names.length === 0) return undefined;
  const last = names.at(-1);
  return `in use by ${names.length === 1 ? last : `${names.slice(0, -1).join(", ")} and ${last}`}`;
}

function text(kind: string, name: unknown): string | undefined {
  return name === undefined || name === null ? undefined : `${kind} ${String(name)}`;
}

function nameIn(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, uuid, id } = value as { readonly name?: unknown; readonly uuid?: unknown; readonly id?: unknown };
  return name ?? uuid ?? id;
}
