import { SQE_BYTES } from "./registers.ts";

const HIGH = 0x1_0000_0000;
const CDW0_FUSE_AND_PSDT = 0xc3;

/** A submission queue entry (NVM Express Base 2.0 §3.3.3.1): one object, written anew for each command. */
export class Command {
  readonly bytes = new Uint8Array(SQE_BYTES);
  readonly #view = new DataView(this.bytes.buffer);

  get opcode(): number {
    return this.bytes[0] as number;
  }

  /** No fused operation, and data by PRPs: the controller has neither fused commands nor SGLs. */
  get isPlain(): boolean {
    return ((this.bytes[1] as number) & CDW0_FUSE_AND_PSDT) === 0;
  }

  get id(): number {
    return this.#view.getUint16(2, true);
  }

  get namespaceId(): number {
    return this.dword(1);
  }

  get prp1(): number {
    return this.quadword(6);
  }

  get prp2(): number {
    return this.quadword(8);
  }

  /** Command Dword `index`. */
  dword(index: number): number {
    return this.#view.getUint32(index * 4, true);
  }

  /** Two of them; above 2^53 not exact, and then above any address or block that there is. */
  quadword(index: number): number {
    return this.dword(index + 1) * HIGH + this.dword(index);
  }
}
