/** What scripts in a lab machine share that drive vfleet by its own commands: it is laid out beside them (../run-in-machine.ts). */
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

const { LAB_RECORDS = "/dev/stdout" } = process.env;
export const DEVICES = "/sys/bus/pci/devices";
/** An 82576, the first device of each machine that has one. */
export const PF = "0000:01:00.0";
export const PROGRAM = "/opt/vfleet";
const VFLEET = ["--disable-warning=ExperimentalWarning", `${PROGRAM}/bin/vfleet.js`];

export const secondsSince = (since: number) => Number(((performance.now() - since) / 1000).toFixed(2));
export const record = (kind: string, facts: object) =>
  appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind, ...facts })}\n`);
export const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: "utf8" });
export const linkName = (path: string) => (existsSync(path) ? basename(readlinkSync(path)) : null);
export const vfOf = (index: number, pf = PF) => linkName(`${DEVICES}/${pf}/virtfn${index}`) ?? "";

/** The program in its place, a machine that has an identity, and its card's drivers. @returns the PF's interface, which is up */
export function setUp(...modules: readonly string[]): string {
  writeFileSync("/etc/machine-id", "5ca1ab1e0ddba11c0ffee0facade0001\n");
  run("cp", "-r", "/script/vfleet", PROGRAM);
  run("modprobe", "-a", "igb", "igbvf", "vfio-pci", ...modules);
  const name = readdirSync(`${DEVICES}/${PF}/net`)[0] ?? "";
  run("ip", "link", "set", name, "up");
  return name;
}

/** One command of vfleet, as a person gives it. */
export function vfleet(stage: string, ...args: string[]): { readonly status: number | null; readonly stdout: string } {
  const since = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [...VFLEET, ...args], { encoding: "utf8" });
  const vfs = [0, 1, 2, 3].map((index) => {
    const bdf = vfOf(index);
    return { bdf, driver: bdf === "" ? null : linkName(`${DEVICES}/${bdf}/driver`) };
  });
  record("command", { stage, command: args.join(" "), status, stdout, stderr, seconds: secondsSince(since), vfs });
  return { status, stdout };
}

export function document(kind: string, name: string, spec: object): string {
  const path = `/tmp/${name}.yaml`;
  writeFileSync(path, JSON.stringify({ apiVersion: "vfleet.dev/v1alpha1", kind, metadata: { name }, spec }));
  return path;
}

interface Guest {
  readonly name: string;
  readonly pid: number;
  readonly devices: readonly { readonly bdf: string }[];
}

export function guestsNow(stage: string): readonly Guest[] {
  return JSON.parse(vfleet(stage, "guests", "--json").stdout).guests;
}

export function deviceOf(name: string): string {
  return guestsNow(`device-of-${name}`).find((guest) => guest.name === name)?.devices[0]?.bdf ?? "";
}
