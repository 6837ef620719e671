import { checkModel, listMachines, openMachine, runningMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { realFile } from "../../kernel/model/remote/state-folder.ts";
import { note, print, toJson } from "../output.ts";
import { table } from "../terminal.ts";

/** `vfleet model reset FILE`: off where it runs, and on again, with the file as it is now. */
export async function modelReset(file: string): Promise<number> {
  // A file that is not valid takes nobody's machine away.
  await checkModel(realFile(file), file);
  await (await runningMachine(file))?.powerOff();
  const { info } = await openMachine(file);
  note(`${info.name} is powered on, process ${info.pid}`);
  return 0;
}

/** `vfleet model off FILE` */
export async function modelOff(file: string): Promise<number> {
  const machine = await runningMachine(file);
  if (machine === undefined) {
    note(`${file}: the machine is off already`);
    return 0;
  }
  await machine.powerOff();
  note(`${machine.info.name} is off`);
  return 0;
}

/** `vfleet model list`: the machines of this user. */
export async function modelList(options: { readonly json?: boolean }): Promise<number> {
  const machines = await listMachines();
  if (options.json) {
    const shown = machines.map(({ file, info }) => ({
      file,
      name: info?.name ?? null,
      state: info === null ? "killed" : "on",
      pid: info?.pid ?? null,
      poweredOn: info?.poweredOn ?? null,
    }));
    print(`${toJson({ machines: shown })}\n`);
    return 0;
  }
  if (machines.length === 0) {
    print("no modelled machine is on; vfleet model shell powers one on\n");
    return 0;
  }
  const rows = machines.map(({ file, info }) =>
    info === null
      ? ["-", "killed", "-", "-", file]
      : [info.name, "on", String(info.pid), info.poweredOn.slice(0, 19), file],
  );
  print(`${table(["NAME", "STATE", "PROCESS", "SINCE (UTC)", "FILE"], rows).join("\n")}\n`);
  return 0;
}
