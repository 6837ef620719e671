import { VfleetError } from "../../../errors/vfleet-error.ts";
import type {
  DeviceEntry,
  MachineDescription,
  PortDescription,
  SwitchEntry,
} from "../../../hardware/machine-description.ts";
import { readYaml } from "../../../yaml/read-yaml.ts";
import { powerOn } from "../boot.ts";
import type { ModelDescription } from "../model-description.ts";
import { type BelowPort, MODEL_SCHEMA, type ModelFile, type ModelPort } from "./model-schema.ts";

/** A model as its file has it. */
export interface NamedModel {
  readonly name: string;
  readonly description: ModelDescription;
}

/** Enough to put a machine together and see that it can be. */
const TRIAL_MEMORY_BYTES = 2 ** 20;

/**
 * A model from the YAML that describes it.
 * @param label the file's name, for messages
 * @throws VfleetError VFL-0016 with line and column of what is wrong
 */
export function readModel(text: string, label: string): NamedModel {
  const file = readYaml(text, label, MODEL_SCHEMA);
  const description = describe(file);
  const { machine } = description;
  try {
    powerOn({ ...description, machine: { ...machine, memoryBytes: TRIAL_MEMORY_BYTES } });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new VfleetError("VFL-0016", {
      message: `${label}: the machine cannot be put together: ${error.message}`,
      cause: error,
    });
  }
  return { name: file.metadata.name, description };
}

function describe({ spec }: ModelFile): ModelDescription {
  const { memory, seed, iommu, kernel, root, guests } = spec;
  const machine: MachineDescription = {
    memoryBytes: memory,
    ...(seed === undefined ? {} : { seed }),
    root: root.map(({ rootPort, integrated }) =>
      integrated === undefined
        ? { kind: "root port", ...port(rootPort ?? {}) }
        : { ...defined(integrated), kind: "integrated", device: integrated.device },
    ),
  };
  return {
    machine,
    ...(iommu === undefined ? {} : { iommu }),
    commandLine: kernel?.parameters ?? "",
    ...(kernel?.modules === undefined ? {} : { modules: kernel.modules }),
    ...(guests === undefined ? {} : { guests }),
  };
}

function port({ below, ...rest }: ModelPort): PortDescription {
  return { ...defined(rest), ...(below === undefined ? {} : { below: belowPort(below) }) };
}

function belowPort({ device = "", name, options, switch: inside }: BelowPort): DeviceEntry | SwitchEntry {
  if (inside !== undefined) return { ...defined(inside), kind: "switch", ports: inside.ports.map(port) };
  return { ...defined({ name, options }), kind: "device", device };
}

type Defined<T> = {
  [K in keyof T]: Exclude<T[K], undefined> extends infer V ? (V extends object ? Defined<V> : V) : never;
};

/** Without the keys that are undefined. */
function defined<T extends object>(value: T): Defined<T> {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    entries.map(([key, each]) => [
      key,
      typeof each === "object" && !Array.isArray(each) && each !== null ? defined(each) : each,
    ]),
  ) as Defined<T>;
}
