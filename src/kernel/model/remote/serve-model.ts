/**
 * The process of one machine: started detached at its first use, it ends by `vfleet model off`, a signal, or when its
 * folder is taken away. Whatever its clients do, and however they end, the machine stays as they left it.
 *
 *     node serve-model.ts FILE FOLDER
 */
import { createHash, randomUUID } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { takeProcessLock } from "../../../process-lock/process-lock.ts";
import { readModel } from "../description/read-model.ts";
import type { HostIds } from "../linux.ts";
import { type ModelKernel, openModel } from "../model-kernel.ts";
import { serveMachine } from "./machine-server.ts";
import { type MachineInfo, PROTOCOL_VERSION } from "./protocol.ts";
import { IDENTITY, LOCK, SOCKET, socketPath } from "./state-folder.ts";

/** Another process has the machine. */
const ALREADY_SERVED = 4;
const WATCH_MS = 500;
const TIME_MS = 100;
const MOST_TIME_MS = 3 * TIME_MS;
const MACHINE_ID_DIGITS = 32;

/** A machine keeps its ID, as its file its path; each power on is another boot. */
function hostIds(file: string): HostIds {
  return {
    machineId: createHash("sha256").update(`machine ${file}`).digest("hex").slice(0, MACHINE_ID_DIGITS),
    bootId: randomUUID(),
  };
}

/** Lets the model's time pass while it has traffic: as much as the world's, and of a long pause a part, so that it keeps up. */
function passTime({ linux: { flows, time } }: ModelKernel): void {
  let lastMs = performance.now();
  setInterval(() => {
    const nowMs = performance.now();
    if (flows.count > 0) time.pass(Math.min(nowMs - lastMs, MOST_TIME_MS));
    lastMs = nowMs;
  }, TIME_MS);
}

async function main(file: string, folder: string): Promise<void> {
  process.umask(0o077);
  // What a terminal does to whoever started us is not for us.
  process.on("SIGHUP", () => {});
  // One process a machine.
  const locked = takeProcessLock(join(folder, LOCK));
  if (locked === undefined) {
    process.exitCode = ALREADY_SERVED;
    return;
  }
  const text = readFileSync(file);
  const { name, description } = readModel(text.toString(), file);
  const kernel = await openModel({ ...description, host: hostIds(file) }, `model:${file}`);
  const info: MachineInfo = {
    protocol: PROTOCOL_VERSION,
    pid: process.pid,
    name,
    file,
    digest: createHash("sha256").update(text).digest("hex"),
    poweredOn: new Date().toISOString(),
  };
  writeFileSync(join(folder, IDENTITY), `${JSON.stringify({ file, pid: process.pid })}\n`);
  const powerOff = () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, powerOff);
  // One that was killed left its socket behind; we hold the lock, so nobody listens on it.
  rmSync(join(folder, SOCKET), { force: true });
  const server = serveMachine(kernel, info, powerOff);
  // It is open as long as the process.
  server.listen(socketPath(folder).path);
  passTime(kernel);
  const { ino } = statSync(folder);
  setInterval(() => {
    // The lock lasts as long as its object.
    if (!locked.isHeld || statSync(folder, { throwIfNoEntry: false })?.ino !== ino) process.exit(0);
  }, WATCH_MS);
}

const [file = "", folder = ""] = process.argv.slice(2);
await main(file, folder);
