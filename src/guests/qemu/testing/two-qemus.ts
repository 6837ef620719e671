import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Kernel } from "../../../kernel/port.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import { readLines } from "../../../qmp/read-lines.ts";

/** What differs from a move that succeeds. */
export interface Course {
  /** Status that `query-migrate` comes to; the guest is at the destination with `completed`. */
  readonly comesTo?: "completed" | "failed";
  /** Times that the source is asked before. */
  readonly polls?: number;
  readonly deviceAdd?: "refused";
  /** The guest came to the source by a move before this one, and QEMU says so. */
  readonly cameBefore?: boolean;
  /** The destination was started with -S. */
  readonly startsPaused?: boolean;
  /** The destination has ended before it ran what it got: it is told by none. */
  readonly endsWithIt?: boolean;
  /** For so long a device_add keeps QEMU from answering anybody. */
  readonly plugMs?: number;
}

type Arguments = Readonly<Record<string, unknown>>;

interface End {
  status: string;
  ended: boolean;
  /** Each in the port of its place, as the primary of the standby of its place. */
  vfs: readonly Bdf[];
  readonly server: Server;
  readonly open: Set<Socket>;
}

/** Of the standbys, by their places. */
export const MACS = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"] as const;
const PIDS = { source: 900_001, destination: 900_002 } as const;

/** Two QEMUs behind their monitors: the state of the guest and of its migration, as QMP tells it. No guest runs. */
export class TwoQemus {
  readonly source: End;
  readonly destination: End;
  /** Commands that change something. */
  readonly commands: string[] = [];
  /** Whether the guest ever ran at both ends at once. */
  ranTwice = false;
  course: Course = {};
  #migration = "none";
  #polls = 0;
  #busy: Promise<void> | undefined;
  readonly #folder: string;

  constructor(folder: string, vfs: readonly Bdf[]) {
    this.#folder = folder;
    this.source = this.#end("source", "running", vfs);
    this.destination = this.#end("destination", "inmigrate", []);
  }

  /** A kernel on which they run, too. */
  on<T extends Kernel>(kernel: T): T {
    const processOf = (path: string) =>
      (["source", "destination"] as const).find((each) => path === `/proc/${PIDS[each]}/stat` && !this[each].ended);
    const endOf = (path: string) =>
      (["source", "destination"] as const).find((each) => path === `/proc/${PIDS[each]}/cmdline` && !this[each].ended);
    return {
      ...kernel,
      list: async (path: string) => {
        const names = await kernel.list(path);
        if (path !== "/proc" || !Array.isArray(names)) return names;
        const running = (["source", "destination"] as const).filter((each) => !this[each].ended);
        return [...names, ...running.map((each) => String(PIDS[each]))];
      },
      read: async (path: string, limit?: number) => {
        const process = processOf(path);
        // Field 22 is when it began; each has a time of its own.
        if (process) return new TextEncoder().encode(`1 (qemu) S ${Array(18).fill("0").join(" ")} ${PIDS[process]} 0`);
        const end = endOf(path);
        if (end === undefined) return kernel.read(path, limit);
        const socket = join(this.#folder, end);
        return new TextEncoder().encode(["qemu-system-x86_64", "-name", end, "-qmp", `unix:${socket}`].join("\0"));
      },
    };
  }

  /** As it goes on of itself, whoever looks: a process that dies stops no migration. */
  finishAlone(): void {
    this.#polls = Number.POSITIVE_INFINITY;
    this.#advance();
  }

  close(): void {
    for (const end of [this.source, this.destination]) {
      for (const socket of end.open) socket.destroy();
      end.server.close();
    }
    for (const name of ["source", "destination"]) rmSync(join(this.#folder, name), { force: true });
  }

  end(name: "source" | "destination"): void {
    this[name].ended = true;
    for (const socket of this[name].open) socket.destroy();
    if (name === "destination" && !["none", "completed"].includes(this.#migration)) this.#fail("failed");
  }

  #end(name: "source" | "destination", status: string, vfs: readonly Bdf[]): End {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.on("close", () => open.delete(socket)).on("error", () => socket.destroy());
      socket.write('{"QMP": {}}\n');
      void readLines(socket, (line) => {
        void this.#serve(name, socket, line);
      });
    });
    server.listen(join(this.#folder, name));
    return { status, ended: false, vfs, server, open };
  }

  async #serve(name: "source" | "destination", socket: Socket, line: string): Promise<void> {
    const { execute, arguments: args = {}, id } = JSON.parse(line);
    const { plugMs } = this.course;
    if (execute === "device_add" && plugMs !== undefined) this.#busy = sleep(plugMs);
    await this.#busy;
    const answer = this.#answer(name, execute, args, (message) => socket.write(`${JSON.stringify(message)}\n`));
    socket.write(`${JSON.stringify({ id, ...answer })}\n`);
  }

  #answer(name: "source" | "destination", command: string, args: Arguments, send: (event: object) => void): object {
    const end = this[name];
    const value = (given: unknown) => ({ return: given });
    switch (command) {
      case "query-status":
        return value({ status: end.status, running: end.status === "running" });
      case "query-cpus-fast":
        return value([{ "qom-path": "/machine/unattached/device[0]", "qom-type": "host-x86_64-cpu" }]);
      case "query-memory-size-summary":
        return value({ "base-memory": 2 ** 27 });
      case "query-migrate":
        if (name === "source") this.#advance();
        if (name === "source" && this.#migration === "none" && this.course.cameBefore)
          return value({ status: "completed" });
        return value({ status: this.#migration, ...(this.#migration === "completed" ? { downtime: 40 } : {}) });
      case "qom-list": {
        const own = [
          ...MACS.map((_, place) => ({ name: `standby${place}`, type: "child<virtio-net-pci>" })),
          ...MACS.map((_, place) => ({ name: `port${place}`, type: "child<pcie-root-port>" })),
          ...end.vfs.map((_, place) => ({ name: `vf${place}`, type: "child<vfio-pci>" })),
        ];
        return value(args.path === "/machine/peripheral" ? own : []);
      }
      case "qom-get":
        return value(this.#property(end, `${args.path} ${args.property}`));
      case "device-list-properties":
        return value([]);
      case "query-pci":
        return value([{ bus: 0, devices: [] }]);
      case "human-monitor-command":
        return value("standby0: index=0,type=nic\r\n");
      case "qmp_capabilities":
      case "migrate-set-capabilities":
        return value({});
    }
    this.commands.push(`${name} ${command}`);
    switch (command) {
      case "migrate":
        this.#migration = "active";
        this.#polls = 0;
        setImmediate(() => send({ event: "MIGRATION", data: { status: "active" } }));
        return value({});
      case "migrate_cancel":
        this.#fail("cancelled");
        return value({});
      case "cont":
        end.status = "running";
        this.#note();
        return value({});
      case "device_add":
        if (this.course.deviceAdd) return { error: { class: "GenericError", desc: "vfio: no such group" } };
        end.vfs = [...end.vfs, args.host as Bdf];
        return value({});
      default:
        return value({});
    }
  }

  #property({ vfs }: End, what: string): unknown {
    const [, device = "", place = "", property = ""] = /peripheral\/([a-z]+)(\d) (\S+)$/.exec(what) ?? [];
    const number = Number(place);
    const known: Readonly<Record<string, unknown>> = {
      "/machine type": "pc-q35-10.0-machine",
      "standby failover": true,
      "standby mac": MACS[number],
      "standby netdev": `net${number}`,
      "vf host": vfs[number],
      "vf failover_pair_id": `standby${number}`,
      "vf parent_bus": `/machine/peripheral/port${number}/port${number}`,
    };
    return known[`${device} ${property}`] ?? known[what] ?? "";
  }

  #advance(): void {
    const { comesTo = "completed", polls = 1 } = this.course;
    if (this.#migration !== "active" || this.#polls++ < polls) return;
    if (comesTo === "failed") {
      this.#fail("failed");
      return;
    }
    this.#migration = "completed";
    this.source.status = "postmigrate";
    this.destination.status = this.course.startsPaused ? "paused" : "running";
    if (this.course.endsWithIt) this.end("destination");
  }

  #fail(status: string): void {
    if (this.#migration === "completed") return;
    this.#migration = status;
    // Where it comes in, QEMU ends (`process_incoming_migration_bh`).
    this.destination.ended = true;
    for (const socket of this.destination.open) socket.destroy();
    this.#note();
  }

  #note(): void {
    if (this.source.status === "running" && this.destination.status === "running") this.ranTwice = true;
  }
}
