import { VfleetError } from "../../errors/vfleet-error.ts";
import { readInput } from "../../kernel/read-input.ts";
import { type LspciDump, parseLspciDump } from "../../kernel/snapshot/lspci-dump.ts";
import { type Bdf, bdf } from "../../pci/bdf.ts";
import { type DecodedFunction, decodeFunction } from "../../pci/decode.ts";
import { buildTopology } from "../../pci/topology.ts";
import { functionToJson } from "../function-json.ts";
import { identify } from "../identify.ts";
import { note, print, toJson } from "../output.ts";
import { renderFunction } from "../render-function.ts";

export interface DecodeOptions {
  readonly json?: boolean;
  readonly slot?: string;
  readonly verbose?: boolean;
}

/** `vfleet decode FILE|-`: every function of an lspci dump, register by register. */
export async function decode(file: string, options: DecodeOptions): Promise<number> {
  const label = file === "-" ? "standard input" : file;
  const dump = parseLspciDump(await readInput(file), label);
  const decoded = decodeDump(dump);
  const wanted = options.slot === undefined ? undefined : bdf(options.slot);
  const functions = wanted === undefined ? decoded : decoded.filter((fn) => fn.bdf === wanted);
  if (wanted !== undefined && functions.length === 0) {
    throw new VfleetError("VFL-0013", { message: `${label} has no function ${wanted}`, details: { bdf: wanted } });
  }
  if (options.json) {
    print(`${toJson({ functions: functions.map(functionToJson), problems: dump.problems })}\n`);
  } else {
    const nodes = buildTopology(decoded);
    for (const fn of functions) print(`${renderFunction(fn, identify(fn, nodes), options.verbose).join("\n")}\n\n`);
    for (const problem of dump.problems) note(`${label}:${problem.line}:${problem.column} ${problem.message}`);
  }
  return 0;
}

/** Decodes every function of a dump; what the text says of a function that came before counts as a problem of it. */
function decodeDump(dump: LspciDump): DecodedFunction[] {
  const seen = new Set<Bdf>();
  return dump.functions.map(({ bdf: address, config }) => {
    const fn = decodeFunction(address, config);
    if (!seen.has(address)) {
      seen.add(address);
      return fn;
    }
    const message = `${address} is in the dump more than once`;
    return { ...fn, problems: [...fn.problems, { kind: "reserved-value", offset: 0, message }] };
  });
}
