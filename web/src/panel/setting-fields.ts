import type { PfObject, VfObject } from "./chosen.ts";

/** A setting of a VF, by the name that policies have for it. */
export interface SettingField {
  readonly name: string;
  /** In `status.settings` or `status.nvme`, where the name is another there. */
  readonly settingsKey?: string;
  readonly type: "text" | "number" | "flag" | "choice";
  readonly choices?: readonly string[];
  readonly unit?: string;
  /** What a value means that does not say so itself. */
  readonly meanings?: Readonly<Record<string, string>>;
}

/** What is typed; as the field's control has it. */
export type Edits = Readonly<Partial<Record<string, string>>>;

const ZERO_MAC = "00:00:00:00:00:00";

/** What the PF's driver of a network card holds of a VF. */
const NETWORK: readonly SettingField[] = [
  { name: "mac", type: "text", meanings: { [ZERO_MAC]: "the VF chooses its own" } },
  { name: "vlan", type: "number", meanings: { 0: "none" } },
  { name: "qos", type: "number" },
  { name: "protocol", settingsKey: "vlanProtocol", type: "choice", choices: ["802.1Q", "802.1ad"] },
  { name: "spoofCheck", type: "flag" },
  { name: "trust", type: "flag" },
  { name: "minTxRateMbps", type: "number", unit: "Mbit/s", meanings: { 0: "none is kept for it" } },
  { name: "maxTxRateMbps", type: "number", unit: "Mbit/s", meanings: { 0: "no limit" } },
  { name: "linkState", type: "choice", choices: ["auto", "enable", "disable"] },
  { name: "queryRss", type: "flag" },
  { name: "nodeGuid", type: "text" },
  { name: "portGuid", type: "text" },
];
const INFINIBAND: ReadonlySet<string> = new Set(["nodeGuid", "portGuid"]);

/** Of an NVMe secondary controller. */
const NVME: readonly SettingField[] = [
  { name: "queues", type: "number" },
  { name: "interrupts", type: "number" },
  { name: "online", type: "flag" },
];

/** The settings that a VF can have: a network card's, or an NVMe controller's. */
export function settingFields({ status }: VfObject, pf: PfObject | undefined): readonly SettingField[] {
  const { settings } = status;
  if (status.nvme !== null || pf?.status.nvmeController != null) return NVME;
  if (settings === null) return [];
  // GUIDs are of InfiniBand alone.
  return NETWORK.filter((field) => !INFINIBAND.has(field.name) || settingValue(status, field) !== null);
}

/** As its control shows it; null where it is not known. */
export function settingValue(
  { settings, nvme }: VfObject["status"],
  { name, settingsKey = name, type }: SettingField,
): string | null {
  const value = settings?.[settingsKey] ?? nvme?.[name as keyof typeof nvme];
  if (value === null || value === undefined) return null;
  return type === "flag" ? (value === true ? "on" : "off") : String(value);
}

/** For a person: with its unit, or with what it means. */
export function valueWords(value: string | null, { unit, meanings }: SettingField): string | null {
  if (value === null) return null;
  const meaning = meanings?.[value];
  if (meaning !== undefined) return `${value} (${meaning})`;
  return unit === undefined ? value : `${value} ${unit}`;
}

/** What of the edits is other than it is: the settings of a request. */
export function changedSettings(
  status: VfObject["status"],
  fields: readonly SettingField[],
  edits: Edits,
): Readonly<Record<string, unknown>> {
  const changed = fields.flatMap((field) => {
    const edit = edits[field.name]?.trim();
    if (edit === undefined || edit === "" || edit === settingValue(status, field)) return [];
    return [[field.name, requestValue(edit, field)]];
  });
  return Object.fromEntries(changed);
}

function requestValue(edit: string, { type }: SettingField): unknown {
  if (type === "flag") return edit === "on";
  // What is no number goes as it is: the server says what it takes.
  const isNumber = type === "number" && /^\d+$/.test(edit);
  return isNumber ? Number(edit) : edit;
}
