import { spawn } from "node:child_process";
import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { SeenTraffic, TrafficWatch } from "../../host/migrate/traffic-watch.ts";
import { ENVIRONMENT } from "../../kernel/linux/program.ts";
import { PingTally } from "./ping-output.ts";

const INTERVAL_MS = 50;
/** For the first answer: an address has to be resolved before. */
const FIRST_MS = 5000;
/** Watched yet when the move is over. */
const AFTER_MS = 3000;
/** So long a guest that does not answer is waited for. */
const SILENT_MS = 10_000;
/** Without an answer: it does not answer. */
const QUIET_MS = 10 * INTERVAL_MS;
const POLL_MS = 50;

export interface PingOptions {
  /** Where it is not looked for in the usual folders. */
  readonly program?: string;
}

/** That a guest can have the address. @throws VfleetError VFL-0417 */
export function checkProbeAddress(address: string): void {
  const refuse = (why: string) => new VfleetError("VFL-0417", { message: `${address} ${why}`, details: { address } });
  const family = isIP(address);
  if (family === 0 || address.includes("%")) throw refuse("is no IPv4 or IPv6 address");
  const kind = family === 4 ? "ipv4" : "ipv6";
  if (NO_GUEST.check(address, kind)) throw refuse("is no address of a guest");
  const own = new BlockList();
  for (const each of Object.values(networkInterfaces()).flatMap((found) => found ?? []))
    own.addAddress(each.address, each.family === "IPv4" ? "ipv4" : "ipv6");
  if (own.check(address, kind)) throw refuse("is this host's own address");
}

/** Loopback, multicast, and what is nobody's. */
const NO_GUEST = new BlockList();
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["224.0.0.0", 3],
] as const) {
  NO_GUEST.addSubnet(net, prefix, "ipv4");
}
NO_GUEST.addSubnet("::", 127, "ipv6");
NO_GUEST.addSubnet("ff00::", 8, "ipv6");

/**
 * Sends to a guest all the while by iputils' ping, which ends with this process, however that ends.
 * @throws VfleetError VFL-0416 where it does not answer, VFL-0417 where nobody can send
 */
export async function watchByPing(address: string, { program = "ping" }: PingOptions = {}): Promise<TrafficWatch> {
  checkProbeAddress(address);
  const watch = new PingWatch(address, program);
  try {
    await watch.firstAnswer();
  } catch (error) {
    watch.stop();
    throw error;
  }
  return watch;
}

class PingWatch implements TrafficWatch {
  readonly #address: string;
  readonly #tally = new PingTally();
  readonly #kill: () => void;
  readonly #closed: Promise<void>;
  readonly #clock = clockOffset();
  #errors = "";
  /** Why it has ended. */
  #end: { readonly why: string; readonly isProgram: boolean } | undefined;

  constructor(address: string, program: string) {
    this.#address = address;
    const args = ["-D", "-O", "-n", "-i", String(INTERVAL_MS / 1000), address];
    // A session of its own: Ctrl-C at the terminal calls the guest back, and that is watched, too. Where this process is killed,
    // ping ends as it writes to a pipe that nobody reads.
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT, detached: true });
    this.#kill = () => void child.kill("SIGKILL");
    process.once("exit", this.#kill);
    createInterface({ input: child.stdout }).on("line", (line) => this.#tally.line(line));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = `${this.#errors}${text}`.slice(0, MOST_ERRORS);
    });
    this.#closed = new Promise((settle) => {
      child.on("error", ({ code = "EIO" }: NodeJS.ErrnoException) => {
        const why = code === "ENOENT" ? "there is no ping" : `ping could not be started (${code})`;
        this.#end = { why, isProgram: true };
        settle();
      });
      child.on("close", (exitCode, signal) => {
        const [said = signal ?? `exit code ${exitCode}`] = this.#errors.split("\n").filter((line) => line !== "");
        this.#end ??= { why: `ping ended: ${said.replace(/^ping: /, "")}`, isProgram: /option/.test(said) };
        settle();
      });
    });
  }

  async firstAnswer(): Promise<void> {
    const address = this.#address;
    const ends = performance.now() + FIRST_MS;
    while (this.#tally.answered === 0) {
      if (this.#end?.isProgram) throw new VfleetError("VFL-0417", { message: this.#end.why, details: { address } });
      if (this.#end !== undefined || performance.now() > ends) {
        const message = `${address} has not answered${this.#end ? ` (${this.#end.why})` : ` in ${FIRST_MS / 1000} s`}`;
        throw new VfleetError("VFL-0416", { message, details: { address } });
      }
      await sleep(POLL_MS);
    }
  }

  async end(): Promise<SeenTraffic> {
    const began = performance.now();
    const waited = () => performance.now() - began;
    while (!this.#end && (waited() < AFTER_MS || (this.#silentMs() > QUIET_MS && waited() < SILENT_MS)))
      await sleep(POLL_MS);
    const unmeasured = this.#unmeasured();
    this.stop();
    await this.#closed;
    const { answered, lost, longestGapMs } = this.#tally;
    return {
      by: `ping ${this.#address}`,
      intervalMs: INTERVAL_MS,
      answered,
      lost,
      longestGapMs: longestGapMs === null ? null : Math.round(longestGapMs),
      unmeasured,
    };
  }

  stop(): void {
    this.#kill();
    process.off("exit", this.#kill);
  }

  #silentMs(): number {
    return Date.now() - (this.#tally.lastAnswerMs ?? Number.NEGATIVE_INFINITY);
  }

  #unmeasured(): string | null {
    if (this.#end) return `${this.#end.why}, in the middle`;
    if (Math.abs(clockOffset() - this.#clock) > INTERVAL_MS) return "the host's clock was set in the middle";
    const silentMs = this.#silentMs();
    return silentMs > QUIET_MS ? `no answer for ${(silentMs / 1000).toFixed(1)} s at the end` : null;
  }
}

const MOST_ERRORS = 4096;

/** Between the clock of ping's times and one that nobody sets. */
function clockOffset(): number {
  return Date.now() - performance.now();
}
