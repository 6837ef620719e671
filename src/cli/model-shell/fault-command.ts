import type { Fault } from "../../hardware/fault.ts";
import type { KernelFault } from "../../kernel/model/kernel-fault.ts";
import type { MachinePart } from "../../kernel/model/remote/protocol.ts";
import { table } from "../terminal.ts";
import { type Answer, good, NOTHING, wrong } from "./answer.ts";
import type { ShellState } from "./shell-state.ts";

const ERRORS = [
  "surpriseDownError",
  "poisonedTlpReceived",
  "completionTimeout",
  "completerAbort",
  "unexpectedCompletion",
  "malformedTlp",
  "unsupportedRequestError",
  "acsViolation",
  "uncorrectableInternalError",
] as const satisfies readonly Extract<Fault, { kind: "error" }>["error"][];

/** How each fault is written, and what it means. */
const FAULTS: readonly (readonly [words: string, meaning: string])[] = [
  ["link-down PORT", "the link below a port fails"],
  ["link-up PORT", "it comes back"],
  ["removal PORT", "the card below a port is pulled out"],
  ["insertion PORT", "it is put in again"],
  ["attention-button PORT", "somebody presses the button of a slot"],
  ["hang FUNCTION [vf N]", "the function stops answering"],
  ["recovery FUNCTION [vf N]", "it answers again; of a PF, driver and kernel are well again, too"],
  ["poisoned-read FUNCTION [vf N]", "the next read of its memory brings poisoned data"],
  ["poisoned-dma FUNCTION [vf N]", "its own next read of memory brings poisoned data"],
  ["error FUNCTION NAME [vf N]", "it detects an error"],
  ["vfs-offered FUNCTION N", "its firmware offers another number of VFs"],
  ["silent-vf FUNCTION N", "VF N, whenever it is made, never answers"],
  ["sriov-refusal FUNCTION ERRNO", "its driver refuses to make VFs, as with ENOSPC"],
  ["sriov-limit FUNCTION N", "its driver makes N VFs at the most, and the write succeeds all the same"],
  ["sriov-stall FUNCTION", "its driver waits for its firmware where the number of VFs is changed"],
  ["no-memory FUNCTION N", "the kernel has no memory for VF N"],
];

export const FAULT_NAMES = FAULTS.map(([words]) => words.split(" ")[0] ?? "");

/** `fault`: what can go wrong with the hardware; `fault KIND PLACE ...` makes it so. */
export async function fault({ machine }: ShellState, args: readonly string[]): Promise<Answer> {
  const parts = await machine.parts();
  const [kind, place, ...rest] = args;
  if (kind === undefined) return good(overview(parts));
  const form = FAULTS.find(([words]) => words.startsWith(`${kind} `))?.[0];
  if (form === undefined) return wrong(`fault: there is no fault ${kind}; fault alone lists them`);
  const part = parts.find(
    ({ name, bdf }) => place !== undefined && (name === place || bdf === place || bdf === `0000:${place}`),
  );
  if (part === undefined) return wrong(`fault: ${place ?? "nothing"} is no part of this machine; usage: fault ${form}`);
  const wanted = faultOf(kind, part.name, rest);
  if (wanted === undefined)
    return wrong(`fault: usage: fault ${form}${kind === "error" ? `; NAME is ${ERRORS.join(", ")}` : ""}`);
  const reason = await machine.injectFault(wanted);
  return reason === null ? NOTHING : wrong(`fault: ${reason}`);
}

function faultOf(kind: string, name: string, rest: readonly string[]): Fault | KernelFault | undefined {
  switch (kind) {
    case "link-down":
    case "link-up":
    case "removal":
    case "insertion":
    case "attention-button":
      return rest.length > 0
        ? undefined
        : {
            kind: kind.replace("-", " ") as "link down" | "link up" | "removal" | "insertion" | "attention button",
            port: name,
          };
    case "hang":
    case "recovery":
    case "poisoned-read":
    case "poisoned-dma": {
      const vf = vfOf(rest);
      return (
        vf && {
          kind: kind.replace("-", " ") as "hang" | "recovery" | "poisoned read" | "poisoned dma",
          function: name,
          ...vf,
        }
      );
    }
    case "error": {
      const error = ERRORS.find((each) => each === rest[0]);
      const vf = vfOf(rest.slice(1));
      return error && vf && { kind, error, function: name, ...vf };
    }
    case "vfs-offered":
    case "silent-vf":
    case "sriov-limit":
    case "no-memory": {
      const [word = ""] = rest;
      if (rest.length !== 1 || !/^\d{1,5}$/.test(word)) return undefined;
      const number = Number(word);
      if (kind === "vfs-offered") return { kind: "vfs offered", function: name, totalVfs: number };
      if (kind === "sriov-limit") return { kind: "sriov limit", function: name, numVfs: number };
      return { kind: kind === "silent-vf" ? "silent vf" : "no memory", function: name, vf: number };
    }
    case "sriov-refusal": {
      const [errno = ""] = rest;
      return rest.length === 1 ? { kind: "sriov refusal", function: name, errno } : undefined;
    }
    case "sriov-stall":
      return rest.length === 0 ? { kind: "sriov stall", function: name } : undefined;
    default:
      return undefined;
  }
}

/** `vf N`, or nothing. */
function vfOf(words: readonly string[]): { readonly vf?: number } | undefined {
  if (words.length === 0) return {};
  const [word, index = ""] = words;
  return words.length === 2 && word === "vf" && /^\d{1,5}$/.test(index) ? { vf: Number(index) } : undefined;
}

function overview(parts: readonly MachinePart[]): string {
  const faults = table(
    ["FAULT", "WHAT HAPPENS"],
    FAULTS.map(([words, meaning]) => [words, meaning]),
  );
  const places = table(
    ["ADDRESS", "NAME", "KIND"],
    parts.map(({ bdf, name, kind, vfs }) => [bdf, name, vfs > 0 ? `${kind}, ${vfs} VFs` : kind]),
  );
  return `${faults.join("\n")}\n\n${places.join("\n")}\n`;
}
