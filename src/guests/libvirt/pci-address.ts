import type { Bdf } from "../../pci/bdf.ts";

/** An address as libvirt's documents have it: each number for itself, in hexadecimal. Its node devices have decimal ones. */
export interface AddressParts {
  readonly domain: string;
  readonly bus: string;
  readonly slot: string;
  readonly function: string;
  readonly [attribute: string]: string;
}

export function addressParts(address: Bdf): AddressParts {
  const [domain = "", bus = "", slot = "", fn = ""] = address.split(/[:.]/);
  return { domain: `0x${domain}`, bus: `0x${bus}`, slot: `0x${slot}`, function: `0x${fn}` };
}
