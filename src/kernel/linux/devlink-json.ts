import type {
  DevlinkEswitch,
  DevlinkFunction,
  DevlinkInfo,
  DevlinkParam,
  DevlinkPort,
  DevlinkRate,
  DevlinkReporter,
} from "../port-devlink.ts";

// What `devlink -json` prints is {"SECTION": {"OBJECT": ...}}, where an object is written as on its command line.
// Each function gives undefined for what is something else.

type Fields = Readonly<Record<string, unknown>>;

export function parseDevices(json: unknown): readonly string[] | undefined {
  const devices = section(json, "dev");
  return devices && Object.keys(devices);
}

export function parseInfo(json: unknown, device: string): DevlinkInfo | undefined {
  const info = section(json, "info")?.[device];
  if (!isFields(info)) return undefined;
  const versions = isFields(info.versions) ? info.versions : {};
  return {
    driver: text(info.driver),
    serialNumber: text(info.serial_number),
    boardSerialNumber: text(info["board.serial_number"]),
    fixed: texts(versions.fixed),
    running: texts(versions.running),
    stored: texts(versions.stored),
  };
}

export function parseEswitch(json: unknown, device: string): DevlinkEswitch | undefined {
  const eswitch = section(json, "dev")?.[device];
  if (!isFields(eswitch)) return undefined;
  return {
    mode: text(eswitch.mode),
    inlineMode: text(eswitch["inline-mode"]),
    encapMode: text(eswitch["encap-mode"]),
  };
}

export function parsePorts(json: unknown): readonly DevlinkPort[] | undefined {
  const ports = section(json, "port");
  return (
    ports &&
    objects(ports).map(([port, fields]) => ({
      port,
      device: port.slice(0, port.lastIndexOf("/")),
      type: text(fields.type),
      netdev: text(fields.netdev),
      flavour: text(fields.flavour),
      controller: number(fields.controller),
      pfNumber: number(fields.pfnum),
      vfIndex: number(fields.vfnum),
      external: typeof fields.external === "boolean" ? fields.external : null,
      function: isFields(fields.function) ? functionOf(fields.function) : null,
    }))
  );
}

function functionOf(fields: Fields): DevlinkFunction {
  return {
    hwAddress: text(fields.hw_addr),
    state: text(fields.state),
    opState: text(fields.opstate),
    roce: text(fields.roce),
    migratable: text(fields.migratable),
  };
}

export function parseRates(json: unknown): readonly DevlinkRate[] | undefined {
  const rates = section(json, "rate");
  return (
    rates &&
    objects(rates).flatMap(([object, { type, ...fields }]) =>
      type !== "leaf" && type !== "node"
        ? []
        : [
            {
              object,
              type,
              // The kernel always gives both (`devlink_nl_rate_fill`); what is 0 is not printed.
              txShare: number(fields.tx_share) ?? 0,
              txMax: number(fields.tx_max) ?? 0,
              txPriority: number(fields.tx_priority),
              txWeight: number(fields.tx_weight),
              parent: text(fields.parent),
            },
          ],
    )
  );
}

export function parseParams(json: unknown): readonly DevlinkParam[] | undefined {
  const params = section(json, "param");
  return (
    params &&
    lists(params).flatMap(([device, { name, type, values }]) =>
      typeof name !== "string"
        ? []
        : [
            {
              device,
              name,
              generic: type === "generic",
              values: array(values).flatMap(({ cmode, value }) =>
                typeof cmode === "string" && isParamValue(value) ? [{ mode: cmode, value }] : [],
              ),
            },
          ],
    )
  );
}

export function parseHealth(json: unknown): readonly DevlinkReporter[] | undefined {
  const reporters = section(json, "health");
  return (
    reporters &&
    lists(reporters).flatMap(([object, { reporter: name, state, error, recover }]) =>
      typeof name === "string" && typeof state === "string" && typeof error === "number" && typeof recover === "number"
        ? [{ object, name, state, errors: error, recoveries: recover }]
        : [],
    )
  );
}

function section(json: unknown, name: string): Fields | undefined {
  const found = isFields(json) ? json[name] : undefined;
  return isFields(found) ? found : undefined;
}

function objects(fields: Fields): ReadonlyArray<readonly [string, Fields]> {
  return Object.entries(fields).flatMap(([name, value]) => (isFields(value) ? [[name, value] as const] : []));
}

/** Objects that have several entries each. */
function lists(fields: Fields): ReadonlyArray<readonly [string, Fields]> {
  return Object.entries(fields).flatMap(([name, value]) => array(value).map((entry) => [name, entry] as const));
}

function array(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function texts(value: unknown): Readonly<Record<string, string>> {
  const entries = isFields(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isParamValue(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
