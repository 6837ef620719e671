import { accessSync, constants, existsSync } from "node:fs";
import { type Attached, attach } from "./attach.ts";
import { type AttachmentRecord, RecordFolder } from "./attachment-record.ts";
import { check } from "./check.ts";
import { because, CniError } from "./cni-error.ts";
import { type Call, CNI_VERSIONS, type Configuration, readCall, readConfiguration } from "./configuration.ts";
import { detachRecorded } from "./detach.ts";
import { runIp } from "./ip-command.ts";
import { callIpam } from "./ipam.ts";
import { withDeviceLock } from "./vf-lock.ts";

/** What a call answers: JSON for standard output, or nothing. */
export interface Answer {
  readonly output: string;
  readonly exitCode: 0 | 1;
}

/**
 * One call of a container runtime, whole (CNI specification 1.1, sections 2 to 5).
 * @param readInput the configuration, from standard input
 */
export function runPlugin(environment: NodeJS.ProcessEnv, readInput: () => string): Answer {
  let cniVersion = "1.0.0";
  try {
    const call = readCall(environment);
    if (call.command === "VERSION")
      return answer({ cniVersion: versionAsked(readInput()), supportedVersions: CNI_VERSIONS });
    const configuration = readConfiguration(readInput(), call);
    cniVersion = configuration.cniVersion;
    const result = perform(call, configuration);
    return result === undefined ? { output: "", exitCode: 0 } : answer(result);
  } catch (error) {
    const { code, message, details } = error instanceof CniError ? error : new CniError("io", String(error));
    const told = { cniVersion, code, msg: message, ...(details === "" ? {} : { details }) };
    return { ...answer(told), exitCode: 1 };
  }
}

function perform(call: Call, configuration: Configuration): object | undefined {
  switch (call.command) {
    case "ADD":
      return resultOf(attach(call, configuration), configuration);
    case "DEL":
      detach(call, configuration);
      return undefined;
    case "CHECK":
      check(call, configuration);
      return undefined;
    case "GC":
      collect(call, configuration);
      return undefined;
    default:
      reportStatus(call, configuration);
      return undefined;
  }
}

/** Of an attachment that is not known there is nothing to undo: it never was, or it has been undone. */
function detach(call: Call, { cniDir, ipam, raw }: Configuration): void {
  const records = new RecordFolder(cniDir);
  const record = records.get(call);
  if (record !== undefined) detachOne(record, records, cniDir, call.path);
  // An ADD that was killed before its record was written has no lease; one of a plugin before this one may have.
  else if (ipam !== undefined) callIpam("DEL", call, { ipam, raw });
}

/** Takes the device's lock, and looks again: it may have been undone meanwhile, and the device be another's. */
function detachOne(record: AttachmentRecord, records: RecordFolder, cniDir: string, path: readonly string[]): void {
  withDeviceLock(cniDir, record.deviceId ?? record.before?.name ?? "", () => {
    const now = records.get(record);
    if (now !== undefined && now.deviceId === record.deviceId) detachRecorded(now, records, path);
  });
}

/** GC: what of this network is not among the valid attachments is undone; what cannot be is told at the end. */
function collect(call: Call, configuration: Configuration): void {
  const { cniDir, name, validAttachments, ipam } = configuration;
  const records = new RecordFolder(cniDir);
  const isValid = ({ containerId, ifname }: AttachmentRecord) =>
    validAttachments.some((each) => each.containerId === containerId && each.ifname === ifname);
  const failures: string[] = [];
  for (const record of records.all()) {
    if (record.network !== name || isValid(record)) continue;
    try {
      detachOne(record, records, cniDir, call.path);
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      failures.push(
        `${record.ifname} of ${record.containerId}: ${[error.message, error.details].filter(Boolean).join(": ")}`,
      );
    }
  }
  if (ipam !== undefined) callIpam("GC", call, configuration);
  if (failures.length > 0) throw new CniError("refused", "not all could be put back", failures.join("; "));
}

/** STATUS: whether an ADD could work. @throws CniError 50 */
function reportStatus(call: Call, configuration: Configuration): void {
  const { cniDir, deviceId, ipam } = configuration;
  const answerOfIp = runIp([["link", "show", "dev", "lo"]]);
  if (!answerOfIp.ok) throw new CniError("notAvailable", "ip(8) does not work", answerOfIp.words);
  try {
    new RecordFolder(cniDir);
    accessSync(cniDir, constants.W_OK);
  } catch (error) {
    throw because("notAvailable", `${cniDir} cannot be written`, error);
  }
  if (deviceId !== undefined && !existsSync(`/sys/bus/pci/devices/${deviceId}/physfn`)) {
    throw new CniError("notAvailable", `${deviceId} is no VF of this host`);
  }
  if (ipam !== undefined) callIpam("STATUS", call, configuration);
}

/** Success, in the form of the version that was asked for (section 5; 0.4 has `version` with each address). */
function resultOf({ ifname, mac, mtu, sandbox, deviceId, ipam }: Attached, { cniVersion, dns }: Configuration): object {
  const isOld = cniVersion.startsWith("0.");
  const hasPciId = cniVersion === "1.1.0";
  const link = { name: ifname, mac, sandbox, ...(hasPciId && mtu !== undefined ? { mtu } : {}) };
  return {
    cniVersion,
    interfaces: [hasPciId && deviceId !== null ? { ...link, pciID: deviceId } : link],
    ips: ipam.ips.map(({ address, gateway }) => ({
      ...(isOld ? { version: address.includes(":") ? "6" : "4" } : {}),
      interface: 0,
      address,
      ...(gateway === undefined ? {} : { gateway }),
    })),
    routes: ipam.routes,
    dns: ipam.dns ?? dns ?? {},
  };
}

function versionAsked(input: string): string {
  try {
    const { cniVersion } = JSON.parse(input) as { readonly cniVersion?: unknown };
    return typeof cniVersion === "string" ? cniVersion : "1.1.0";
  } catch {
    return "1.1.0";
  }
}

function answer(value: object): Answer {
  return { output: `${JSON.stringify(value)}\n`, exitCode: 0 };
}
