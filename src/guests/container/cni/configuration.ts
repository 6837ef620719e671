import { because, CniError } from "./cni-error.ts";

/** Versions of the specification that results can be written in. */
export const CNI_VERSIONS = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

/** What the environment of a call says (CNI specification 1.1, section 2). */
export interface Call {
  readonly command: "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";
  readonly containerId: string;
  /** Path of the network namespace. */
  readonly netns: string;
  readonly ifname: string;
  /** Folders with other plugins. */
  readonly path: readonly string[];
  /** A MAC address by CNI_ARGS. */
  readonly mac: string | undefined;
}

/** A network's configuration, by the names of sriov-cni, so that its files serve here, too. */
export interface Configuration {
  readonly cniVersion: string;
  readonly name: string;
  /** The VF's address; `device` instead is an interface of the host by its name. */
  readonly deviceId: string | undefined;
  readonly device: string | undefined;
  readonly settings: VfSettings;
  readonly mac: string | undefined;
  readonly mtu: number | undefined;
  readonly ipam: { readonly type: string } | undefined;
  /** Where records are kept. */
  readonly cniDir: string;
  /** A device information file to write (runtimeConfig.CNIDeviceInfoFile). */
  readonly deviceInfoFile: string | undefined;
  readonly dns: object | undefined;
  readonly prevResult: Readonly<Record<string, unknown>> | undefined;
  readonly validAttachments: readonly Attachment[];
  /** As it was given, for IPAM plugins. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface Attachment {
  readonly containerId: string;
  readonly ifname: string;
}

/** What the PF is to hold of the VF. */
export interface VfSettings {
  readonly vlan?: number;
  readonly vlanQoS?: number;
  readonly vlanProto?: "802.1q" | "802.1ad";
  readonly minTxRate?: number;
  readonly maxTxRate?: number;
  readonly spoofchk?: "on" | "off";
  readonly trust?: "on" | "off";
  readonly linkState?: "auto" | "enable" | "disable";
}

type Fields = Readonly<Record<string, unknown>>;

const COMMANDS: readonly string[] = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"];
/** Of container IDs (section 2); names of interfaces are the kernel's (`dev_valid_name`). */
const CONTAINER_ID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;
const IFNAME = /^[^\s/:]{1,15}$/;
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
const BDF = /^[0-9a-f]{4}:[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7]$/i;
const PLUGIN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const CNI_DIR = "/var/lib/cni/sriov";
const MULTICAST = 0x01;

/** @throws CniError */
export function readCall(environment: NodeJS.ProcessEnv): Call {
  const {
    CNI_COMMAND = "",
    CNI_CONTAINERID = "",
    CNI_NETNS = "",
    CNI_IFNAME = "",
    CNI_ARGS = "",
    CNI_PATH = "",
  } = environment;
  if (!COMMANDS.includes(CNI_COMMAND)) {
    throw new CniError(
      "invalidEnvironment",
      `CNI_COMMAND is ${JSON.stringify(CNI_COMMAND)}: one of ${COMMANDS.join(", ")}`,
    );
  }
  const command = CNI_COMMAND as Call["command"];
  const isOfContainer = command === "ADD" || command === "DEL" || command === "CHECK";
  if (isOfContainer) {
    require(CONTAINER_ID.test(CNI_CONTAINERID), "CNI_CONTAINERID", CNI_CONTAINERID, "letters, digits and _.-");
    const isName = IFNAME.test(CNI_IFNAME) && CNI_IFNAME !== "." && CNI_IFNAME !== "..";
    require(isName, "CNI_IFNAME", CNI_IFNAME, "an interface's name of 1 to 15 characters");
    // DEL may come without it: the namespace may be gone.
    if (command !== "DEL") require(CNI_NETNS.startsWith("/"), "CNI_NETNS", CNI_NETNS, "a path");
  }
  const mac = /(?:^|;)MAC=([^;]*)/.exec(CNI_ARGS)?.[1];
  return {
    command,
    containerId: CNI_CONTAINERID,
    netns: CNI_NETNS,
    ifname: CNI_IFNAME,
    path: CNI_PATH.split(":").filter((folder) => folder.startsWith("/")),
    mac,
  };
}

function require(holds: boolean, variable: string, value: string, wanted: string): void {
  if (!holds)
    throw new CniError("invalidEnvironment", `${variable} is ${JSON.stringify(value)}: ${wanted} was expected`);
}

/** @throws CniError where it is no JSON (6), of an unknown version (1), or wrong (7) */
export function readConfiguration(text: string, call: Call): Configuration {
  const raw = parse(text);
  const { cniVersion = "0.3.1", name = "", ipam, dns, prevResult } = raw;
  if (!CNI_VERSIONS.some((version) => version === cniVersion)) {
    throw new CniError(
      "incompatibleVersion",
      `cniVersion ${JSON.stringify(cniVersion)} is not known`,
      `versions are ${CNI_VERSIONS.join(", ")}`,
    );
  }
  const field = new FieldReader(raw);
  const deviceId = field.text("deviceID", (value) => BDF.test(value), "a VF's address as 0000:03:02.0")?.toLowerCase();
  const device = field.text("device", (value) => IFNAME.test(value), "an interface's name");
  if (call.command === "ADD" && (deviceId === undefined) === (device === undefined)) {
    throw new CniError(
      "invalidConfig",
      deviceId === undefined ? "deviceID is missing: which VF?" : "deviceID and device contradict each other",
    );
  }
  const settings = readSettings(field);
  if (device !== undefined && Object.keys(settings).length > 0) {
    throw new CniError(
      "invalidConfig",
      `${Object.keys(settings).join(", ")}: only a VF has such settings, and device names an interface`,
    );
  }
  const runtime = new FieldReader(objectOf(raw, "runtimeConfig"), "runtimeConfig.");
  const args = new FieldReader(objectOf(objectOf(raw, "args"), "cni"), "args.cni.");
  const isMac = (value: string) => MAC.test(value) && (Number.parseInt(value.slice(0, 2), 16) & MULTICAST) === 0;
  const wanted = "a unicast MAC address";
  if (call.mac !== undefined && call.mac !== "" && !isMac(call.mac)) {
    throw new CniError("invalidEnvironment", `MAC of CNI_ARGS is ${JSON.stringify(call.mac)}: ${wanted} was expected`);
  }
  // The most particular first, as sriov-cni has it.
  const mac =
    runtime.text("mac", isMac, wanted) ??
    args.text("mac", isMac, wanted) ??
    (call.mac || undefined) ??
    field.text("mac", isMac, wanted);
  return {
    cniVersion: String(cniVersion),
    name: String(name),
    deviceId,
    device,
    settings,
    mac: mac?.toLowerCase(),
    mtu: field.number("mtu", 68, 65_535),
    ipam: readIpam(ipam),
    cniDir:
      field.text("cniDir", (value) => value.startsWith("/") && !value.includes("/../"), "an absolute path") ?? CNI_DIR,
    deviceInfoFile: runtime.text(
      "CNIDeviceInfoFile",
      (value) => value.startsWith("/") && !value.includes("/../"),
      "an absolute path",
    ),
    dns: typeof dns === "object" && dns !== null ? dns : undefined,
    prevResult: typeof prevResult === "object" && prevResult !== null ? (prevResult as Fields) : undefined,
    validAttachments: readAttachments(raw, call),
    raw,
  };
}

function readSettings(field: FieldReader): VfSettings {
  const vlan = field.number("vlan", 0, 4094);
  const vlanQoS = field.number("vlanQoS", 0, 7);
  const vlanProto = field.choice("vlanProto", ["802.1q", "802.1ad"]);
  const minTxRate = field.number("min_tx_rate", 0, 0xffff_ffff);
  const maxTxRate = field.number("max_tx_rate", 0, 0xffff_ffff);
  const spoofchk = field.choice("spoofchk", ["on", "off"]);
  const trust = field.choice("trust", ["on", "off"]);
  const linkState = field.choice("link_state", ["auto", "enable", "disable"]);
  if ((vlanQoS ?? 0) > 0 && (vlan ?? 0) === 0) throw new CniError("invalidConfig", "vlanQoS wants a vlan");
  // As sriov-cni has it: 802.1Q of no VLAN is what all is by itself, and what the SR-IOV network operator writes.
  const isOfNone = vlan === undefined || (vlan === 0 && vlanProto === "802.1ad");
  if (vlanProto !== undefined && isOfNone) throw new CniError("invalidConfig", "vlanProto wants a vlan");
  if (minTxRate !== undefined && maxTxRate !== undefined && maxTxRate > 0 && minTxRate > maxTxRate) {
    throw new CniError("invalidConfig", `min_tx_rate ${minTxRate} is more than max_tx_rate ${maxTxRate}`);
  }
  const all = { vlan, vlanQoS, vlanProto, minTxRate, maxTxRate, spoofchk, trust, linkState };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function readIpam(ipam: unknown): { readonly type: string } | undefined {
  const { type } = (typeof ipam === "object" && ipam !== null ? ipam : {}) as { readonly type?: unknown };
  if (type === undefined || type === "") return undefined;
  // It becomes the name of a program.
  if (typeof type === "string" && PLUGIN.test(type)) return { type };
  throw new CniError("invalidConfig", `ipam.type is ${JSON.stringify(type)}: a plugin's name was expected`);
}

const ATTACHMENTS = ["cni.dev/valid-attachments", "cni.dev/attachments"];

function readAttachments(raw: Fields, { command }: Call): readonly Attachment[] {
  if (command !== "GC") return [];
  const key = ATTACHMENTS.find((each) => each in raw);
  // libcni writes an empty list of Go as null: then none is valid.
  const given = key === undefined ? undefined : (raw[key] ?? []);
  if (!Array.isArray(given)) {
    throw new CniError("invalidConfig", "cni.dev/valid-attachments is missing: without it GC would take everything");
  }
  return given.map((each: unknown) => {
    const { containerID, ifname } = (each ?? {}) as { readonly containerID?: unknown; readonly ifname?: unknown };
    if (typeof containerID !== "string" || typeof ifname !== "string") {
      throw new CniError("invalidConfig", "cni.dev/valid-attachments: containerID and ifname were expected of each");
    }
    return { containerId: containerID, ifname };
  });
}

function parse(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw because("decode", "the configuration is no JSON", error);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new CniError("decode", "the configuration is no JSON object");
}

function objectOf(fields: Fields, key: string): Fields {
  const value = fields[key];
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

/** Fields of an object, each checked as it is read. */
class FieldReader {
  readonly #fields: Fields;
  readonly #prefix: string;

  constructor(fields: Fields, prefix = "") {
    this.#fields = fields;
    this.#prefix = prefix;
  }

  text(key: string, isValid: (value: string) => boolean, wanted: string): string | undefined {
    const value = this.#fields[key];
    // Go's plugins write empty text for what is left out.
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value === "string" && isValid(value)) return value;
    throw this.#wrong(key, value, wanted);
  }

  number(key: string, least: number, most: number): number | undefined {
    const value = this.#fields[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    throw this.#wrong(key, value, `a whole number from ${least} to ${most}`);
  }

  choice<T extends string>(key: string, values: readonly T[]): T | undefined {
    const value = this.text(key, () => true, "text")?.toLowerCase();
    if (value === undefined) return undefined;
    const found = values.find((each) => each === value);
    if (found !== undefined) return found;
    throw this.#wrong(key, value, values.join(" or "));
  }

  #wrong(key: string, value: unknown, wanted: string): CniError {
    return new CniError("invalidConfig", `${this.#prefix}${key} is ${JSON.stringify(value)}: ${wanted} was expected`);
  }
}
