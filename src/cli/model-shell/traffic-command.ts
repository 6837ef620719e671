import { isUnread } from "../../kernel/port.ts";
import { table } from "../terminal.ts";
import { type Answer, good, textOf, wrong } from "./answer.ts";
import { listFlows, startFlow, stopFlow } from "./flow-commands.ts";
import type { ShellState } from "./shell-state.ts";
import { isCount, refusedEnds, trafficEnd } from "./traffic-words.ts";

const USAGE =
  "traffic: usage: traffic DEV FROM TO [FRAMES [BYTES]]; or start DEV FROM TO [--rate FRAMES_PER_S] [--bytes N], list, stop ID; " +
  "FROM and TO are VFs by their numbers, or pf";
const FRAMES = 100;
const BYTES = 64;

/** `traffic eth0 0 1 1000 64`: sends frames, and tells what the VFs and the card counted. */
export async function traffic({ machine }: ShellState, args: readonly string[]): Promise<Answer> {
  const [word = "", ...more] = args;
  if (word === "list" && more.length === 0) return listFlows(machine);
  if (word === "start") return (await startFlow(machine, more)) ?? wrong(USAGE);
  if (word === "stop" && more.length === 1) return (await stopFlow(machine, more[0] ?? "")) ?? wrong(USAGE);
  const [dev, fromText = "", toText = "", frames = String(FRAMES), bytes = String(BYTES), ...rest] = args;
  const from = trafficEnd(fromText);
  const to = trafficEnd(toText);
  if (dev === undefined || rest.length > 0 || from === undefined || to === undefined) return wrong(USAGE);
  if (!isCount(frames) || !isCount(bytes)) return wrong(USAGE);
  const report = await machine.sendTraffic(dev, { from, to, frames: Number(frames), bytes: Number(bytes) });
  if (isUnread(report)) return refusedEnds(dev, report.errno);
  const { sent, received, tookNs, vfs, drops, toNetwork, faults } = report;
  const lines = [
    `${sent} sent, ${received} received in ${(tookNs / 1e6).toFixed(3)} ms`,
    `dropped by the card: ${drops.spoofed} spoofed, ${drops.noReceiver} for no receiver, ${drops.notFetched} not fetched; ${toNetwork} to the network; ${faults.length} IOMMU faults`,
    ...table(
      ["VF", "RX PACKETS", "RX BYTES", "TX PACKETS", "TX BYTES", "DROPPED"],
      vfs.map((each) =>
        [each.vf, each.rxPackets, each.rxBytes, each.txPackets, each.txBytes, each.dropped].map((count) =>
          String(count),
        ),
      ),
    ),
  ];
  return good(textOf(lines));
}
