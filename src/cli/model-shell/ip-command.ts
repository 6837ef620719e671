import { isUnread } from "../../kernel/port.ts";
import { isPending, type Outcome, type Within } from "../../kernel/port-outcome.ts";
import { type Answer, good, NOTHING, refused, wrong } from "./answer.ts";
import { type IpCommand, type IpOptions, parseIp } from "./ip-words.ts";
import { linkText } from "./link-text.ts";
import type { ShellState } from "./shell-state.ts";

const NET = "/sys/class/net";

/** `ip link ...` */
export async function ip(state: ShellState, args: readonly string[]): Promise<Answer> {
  const command = parseIp(args);
  switch (command.kind) {
    case "wrong":
      return wrong(command.text);
    case "show":
      return show(state, command.dev, command.options);
    case "set":
      return set(state, command);
  }
}

async function show({ machine }: ShellState, dev: string | undefined, options: IpOptions): Promise<Answer> {
  const { kernel } = machine;
  const names = dev === undefined ? await kernel.list(NET) : [dev];
  if (isUnread(names)) return refused("ip", names.errno);
  const links: Record<string, unknown>[] = [];
  for (const name of names) {
    const text = await kernel.ipLink(name);
    if (isUnread(text)) {
      // One that went meanwhile is not listed.
      if (dev === undefined) continue;
      return wrong(
        text.errno === "ENODEV" ? `Device "${name}" does not exist.` : `RTNETLINK answers: ${text.reason}`,
        text.errno,
      );
    }
    links.push(...(JSON.parse(text) as Record<string, unknown>[]).map((link) => shown(link, options)));
  }
  links.sort((a, b) => Number(a.ifindex) - Number(b.ifindex));
  if (options.json) return good(`${JSON.stringify(links, undefined, options.pretty ? 4 : 0)}\n`);
  return good(links.map((link) => linkText(link, options)).join(""));
}

/** Without what is told with -d and -s alone. */
function shown(link: Record<string, unknown>, { details, statistics }: IpOptions): Record<string, unknown> {
  const { parentbus, parentdev, vfinfo_list: vfs, stats64, ...rest } = link;
  const list = Array.isArray(vfs) ? (vfs as Record<string, unknown>[]) : undefined;
  return {
    ...rest,
    ...(details && parentdev !== undefined ? { parentbus, parentdev } : {}),
    ...(statistics && stats64 !== undefined ? { stats64 } : {}),
    ...(list === undefined ? {} : { vfinfo_list: statistics ? list : list.map(({ stats: _, ...vf }) => vf) }),
  };
}

/** One message to the kernel after another, the device's own settings first; the first refusal ends it. */
async function set({ machine }: ShellState, { dev, links, vfs }: Extract<IpCommand, { kind: "set" }>): Promise<Answer> {
  const { kernel } = machine;
  if (isUnread(await kernel.ipLink(dev))) return wrong(`Cannot find device "${dev}"`, "ENODEV");
  for (const vf of vfs) {
    const outcomes = await kernel.setVfs(dev, [vf]);
    if (isPending(outcomes)) return stillAtIt();
    const failure = outcomes.map(({ outcome }) => refusal(outcome)).find((each) => each !== undefined);
    if (failure !== undefined) return failure;
  }
  for (const link of links) {
    const failure = refusal(await kernel.setLink(dev, link));
    if (failure !== undefined) return failure;
  }
  return NOTHING;
}

function refusal(outcome: Within<Outcome>): Answer | undefined {
  if (isPending(outcome)) return stillAtIt();
  if (outcome.kind === "done") return undefined;
  return outcome.errno === null ? wrong(`ip: ${outcome.reason}`) : refused("RTNETLINK answers", outcome.errno);
}

function stillAtIt(): Answer {
  return wrong("ip: the kernel still works at it", "EINPROGRESS");
}
