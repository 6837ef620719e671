import { VfleetError } from "../../errors/vfleet-error.ts";
import { readInput } from "../../kernel/read-input.ts";
import { type DumpedFunction, type LspciDump, parseLspciDump } from "../../kernel/snapshot/lspci-dump.ts";
import { type Bdf, bdf } from "../../pci/bdf.ts";
import { type DecodedFunction, decodeFunction } from "../../pci/decode.ts";
import { functionToJson } from "../../pci/function-json.ts";
import { buildTopology, type TopologyNode } from "../../pci/topology.ts";
import { identify } from "../identify.ts";
import { note, printAll, toJson } from "../output.ts";
import { renderFunction } from "../render-function.ts";

export interface DecodeOptions {
  readonly json?: boolean;
  readonly slot?: string;
  readonly verbose?: boolean;
}

const VENDOR_ID_OF_A_VF = 0xffff;

/**
 * `vfleet decode FILE|-`: every function of an lspci dump, register by register. Each is decoded when its turn comes, so
 * that a dump of a large host takes no more memory than its text.
 */
export async function decode(file: string, options: DecodeOptions): Promise<number> {
  const label = file === "-" ? "standard input" : file;
  const dump = parseLspciDump(await readInput(file), label);
  const wanted = options.slot === undefined ? undefined : bdf(options.slot);
  const functions = dump.functions.filter(({ bdf: address }) => wanted === undefined || address === wanted);
  if (wanted !== undefined && functions.length === 0) {
    throw new VfleetError("VFL-0013", {
      message: `${label} has no function ${wanted}`,
      remedy: "leave --slot out to see all that are there",
      details: { bdf: wanted },
    });
  }
  if (options.json) {
    printAll(jsonTexts(functions, dump));
  } else {
    const nodes = dump.functions.some(isVf) ? topologyOf(dump) : new Map<Bdf, TopologyNode>();
    printAll(functions.map((fn) => () => text(inItsPlace(fn, nodes), nodes, options.verbose === true)));
    for (const { line, column, message } of dump.problems) note(`${label}:${line}:${column} ${message}`);
  }
  return 0;
}

function text(fn: DecodedFunction, nodes: ReadonlyMap<Bdf, TopologyNode>, verbose: boolean): string {
  return `${renderFunction(fn, identify(fn, nodes), verbose)}\n`;
}

/** The documented shape, a function a line. */
function* jsonTexts(functions: readonly DumpedFunction[], dump: LspciDump): Generator<() => string> {
  yield () => '{"functions":[';
  for (const [index, fn] of functions.entries()) {
    yield () => `${index === 0 ? "\n" : ",\n"}${toJson(functionToJson(decodeDumped(fn)), 0)}`;
  }
  yield () => `\n],"problems":${toJson(dump.problems, 0)}}\n`;
}

/** A function that was decoded for the topology is not decoded again. */
function inItsPlace(fn: DumpedFunction, nodes: ReadonlyMap<Bdf, TopologyNode>): DecodedFunction {
  const node = fn.duplicate ? undefined : nodes.get(fn.bdf);
  return node?.decoded ?? decodeDumped(fn);
}

/** That the text has a function twice counts as a problem of the second. */
function decodeDumped({ bdf: address, config, duplicate }: DumpedFunction): DecodedFunction {
  const fn = decodeFunction(address, config);
  if (!duplicate) return fn;
  const message = `${address} is in the dump more than once`;
  return { ...fn, problems: [...fn.problems, { kind: "reserved-value", offset: 0, message }] };
}

function isVf({ config }: DumpedFunction): boolean {
  return config.u16(0) === VENDOR_ID_OF_A_VF;
}

/** Where VFs belong is for the PFs and bridges to say. */
function topologyOf(dump: LspciDump): ReadonlyMap<Bdf, TopologyNode> {
  return buildTopology(dump.functions.filter(({ duplicate }) => !duplicate).map(decodeDumped));
}
