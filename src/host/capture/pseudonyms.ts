/** Stable replacements for what identifies a host, in the order in which they are asked for. */
export class Pseudonyms {
  readonly #macs = new Map<string, string>();
  readonly #switches = new Map<string, string>();
  readonly #addresses = new Map<string, number>();
  #macCount = 0;

  /** What was replaced as a MAC address so far: 12 hexadecimal digits, or 16 or 40, and the replacement. */
  get macs(): ReadonlyMap<string, string> {
    return this.#macs;
  }

  /**
   * For a hardware address, its octets in hexadecimal without separators: 02, zeros, a number. All zeros and all ones
   * stay.
   */
  mac(digits: string): string {
    const key = digits.toLowerCase();
    if (/^(?:0+|f+)$/.test(key)) return key;
    const known = this.#macs.get(key);
    if (known !== undefined) return known;
    const made = `02${(++this.#macCount).toString(16).padStart(key.length - 2, "0")}`;
    this.#macs.set(key, made);
    return made;
  }

  /** For an identifier of as many hexadecimal digits. */
  switchId(digits: string): string {
    const key = digits.toLowerCase();
    const made = this.#switches.get(key) ?? (this.#switches.size + 1).toString(16).padStart(key.length, "0");
    this.#switches.set(key, made);
    return made;
  }

  /** The number of an IPv4 or IPv6 address, from 1. */
  #number(address: string): number {
    const made = this.#addresses.get(address) ?? this.#addresses.size + 1;
    this.#addresses.set(address, made);
    return made;
  }

  /** For an IPv4 address in any writing: 10.x.y.z. */
  ipv4(address: string): readonly [number, number, number, number] {
    const number = this.#number(address);
    return [10, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff];
  }

  /** For an IPv6 address in any writing, 32 hexadecimal digits: of the documentation prefix 2001:db8::/32 (RFC 3849). */
  ipv6(address: string): string {
    return `20010db8${this.#number(address).toString(16).padStart(24, "0")}`;
  }
}
