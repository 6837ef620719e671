import type { FlowReport } from "../../kernel/model/remote/protocol.ts";
import { isUnread } from "../../kernel/port.ts";
import { table } from "../terminal.ts";
import { type Answer, good, refused, textOf } from "./answer.ts";
import type { ShellState } from "./shell-state.ts";
import { isCount, refusedEnds, trafficEnd } from "./traffic-words.ts";

type Machine = ShellState["machine"];

const FRAMES_PER_SECOND = 1000;
const BYTES = 64;

/** `traffic start eth0 0 1 --rate 5000`. @returns undefined where it is not understood */
export async function startFlow(machine: Machine, args: readonly string[]): Promise<Answer | undefined> {
  const [netdev, fromText = "", toText = "", ...options] = args;
  const from = trafficEnd(fromText);
  const to = trafficEnd(toText);
  if (netdev === undefined || from === undefined || to === undefined) return undefined;
  let framesPerSecond = FRAMES_PER_SECOND;
  let bytes = BYTES;
  for (let at = 0; at < options.length; at += 2) {
    const value = options[at + 1] ?? "";
    if (!isCount(value)) return undefined;
    if (options[at] === "--rate") framesPerSecond = Number(value);
    else if (options[at] === "--bytes") bytes = Number(value);
    else return undefined;
  }
  const id = await machine.flows.start({ netdev, from, to, framesPerSecond, bytes });
  if (isUnread(id)) return refusedEnds(netdev, id.errno);
  return good(`flow ${id} has begun; traffic list shows it, traffic stop ${id} ends it\n`);
}

/** `traffic stop 1`: its counts at the end. @returns undefined where it is not understood */
export async function stopFlow(machine: Machine, text: string): Promise<Answer | undefined> {
  if (!isCount(text)) return undefined;
  const report = await machine.flows.stop(Number(text));
  return isUnread(report) ? refused(`traffic: flow ${text}`, report.errno) : good(flowTable([report]));
}

export async function listFlows(machine: Machine): Promise<Answer> {
  const flows = await machine.flows.list();
  return good(flows.length === 0 ? "no traffic runs; start some: traffic start eth0 0 1\n" : flowTable(flows));
}

function flowTable(flows: readonly FlowReport[]): string {
  const rows = flows.map((flow) => {
    const { id, netdev, from, to, framesPerSecond, bytes, seconds, sent, received, unsent, dropped } = flow;
    const counts = [id, netdev, from, to, framesPerSecond, bytes, seconds.toFixed(1), sent, received].map(String);
    return [...counts, reasons(unsent, UNSENT), reasons(dropped, DROPPED)];
  });
  const head = ["ID", "DEV", "FROM", "TO", "FRAMES/S", "BYTES", "SECONDS", "SENT", "RECEIVED", "NOT SENT", "DROPPED"];
  return textOf(table(head, rows));
}

const UNSENT: Readonly<Record<keyof FlowReport["unsent"], string>> = {
  noDriver: "nobody there",
  ringFull: "ring full",
  overload: "overload",
};
const DROPPED: Readonly<Record<keyof FlowReport["dropped"], string>> = {
  spoofed: "spoofed",
  noReceiver: "no receiver",
  notFetched: "not fetched",
  noDescriptor: "no descriptor",
  toNetwork: "to the network",
};

/** `12 spoofed, 3 no receiver`; a dash where there are none. */
function reasons<Name extends string>(
  counts: Readonly<Record<Name, number>>,
  words: Readonly<Record<Name, string>>,
): string {
  const names = Object.keys(words) as Name[];
  const texts = names.filter((name) => counts[name] > 0).map((name) => `${counts[name]} ${words[name]}`);
  return texts.join(", ") || "-";
}
