import { execFileSync } from "node:child_process";

/** A network namespace of its own behind a veth pair, whose kernel answers pings: a guest, as far as the network sees it. */
export class AnsweringNamespace {
  readonly address: string;
  /** In the same network, and nobody's. */
  readonly nobody: string;
  readonly #name: string;
  readonly #link: string;

  /** @param net the third part of an address in 198.18.0.0/15 (RFC 2544: of benchmarks) */
  constructor(net: number) {
    this.#name = `vfleet-${process.pid}-${net}`;
    this.#link = `vf${process.pid % 1_000_000}n${net}`;
    this.address = `198.18.${net}.2`;
    this.nobody = `198.18.${net}.3`;
    this.#ip("netns", "add", this.#name);
    this.#ip("link", "add", this.#link, "type", "veth", "peer", "name", "eth0", "netns", this.#name);
    this.#ip("address", "add", `198.18.${net}.1/24`, "dev", this.#link);
    this.#ip("link", "set", this.#link, "up");
    this.#ip("-n", this.#name, "address", "add", `${this.address}/24`, "dev", "eth0");
    this.#ip("-n", this.#name, "link", "set", "eth0", "up");
  }

  /** Packets come to it all the same: the sender's kernel keeps what it has no way for, and sends it later. */
  answer(does: boolean): void {
    const file = "/proc/sys/net/ipv4/icmp_echo_ignore_all";
    this.#ip("netns", "exec", this.#name, "sh", "-c", `echo ${does ? 0 : 1} >${file}`);
  }

  /** The veth pair goes with it. */
  close(): void {
    this.#ip("netns", "delete", this.#name);
  }

  #ip(...args: string[]): void {
    execFileSync("ip", args);
  }
}
