import { isUnread } from "../../kernel/port.ts";
import { table } from "../terminal.ts";
import { type Answer, good, refused, textOf, wrong } from "./answer.ts";
import type { ShellState } from "./shell-state.ts";

const USAGE = "traffic: usage: traffic DEV FROM TO [FRAMES [BYTES]]; FROM is a VF's number, TO another or pf";
const FRAMES = 100;
const BYTES = 64;

/** `traffic eth0 0 1 1000 64`: sends frames, and tells what the VFs and the card counted. */
export async function traffic({ machine }: ShellState, args: readonly string[]): Promise<Answer> {
  const [dev, from = "", to = "", frames = String(FRAMES), bytes = String(BYTES), ...rest] = args;
  const isCount = (text: string) => /^\d{1,7}$/.test(text);
  if (dev === undefined || rest.length > 0 || ![from, frames, bytes].every(isCount) || !(to === "pf" || isCount(to))) {
    return wrong(USAGE);
  }
  const report = await machine.sendTraffic(dev, {
    from: Number(from),
    to: to === "pf" ? to : Number(to),
    frames: Number(frames),
    bytes: Number(bytes),
  });
  if (isUnread(report)) return refused(`traffic: ${dev}`, report.errno);
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
