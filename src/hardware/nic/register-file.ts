import type { RegisterSpec } from "./register-spec.ts";
import { REGISTERS_82576, type RegisterName } from "./registers-82576.ts";

/** BAR 0 of the PF. */
const BAR0_BYTES = 0x20000;
const DWORDS = BAR0_BYTES >> 2;

const NAMES = Object.keys(REGISTERS_82576) as RegisterName[];
const SPECS: readonly RegisterSpec[] = NAMES.map((name) => REGISTERS_82576[name]);

/** By dword: the register's number from 1, or 0 where there is none; which of an array it is; where it is kept. */
const registerAt = new Uint16Array(DWORDS);
const instanceAt = new Uint16Array(DWORDS);
const keptAt = Uint16Array.from({ length: DWORDS }, (_, dword) => dword);
const resetValues = new Uint32Array(DWORDS);

SPECS.forEach((spec, number) => {
  const { at, count = 1, stride = 4, reset = 0, aliases = [] } = spec;
  for (let instance = 0; instance < count; instance++) {
    const dword = (at + instance * stride) >> 2;
    if (registerAt[dword] !== 0) throw new Error(`two registers at ${(dword << 2).toString(16)}`);
    registerAt[dword] = number + 1;
    instanceAt[dword] = instance;
    resetValues[dword] = reset;
  }
  for (const alias of aliases) {
    for (let instance = 0; instance < (alias.count ?? 1); instance++) {
      keptAt[(alias.at + instance * (alias.stride ?? 4)) >> 2] = (at + instance * stride) >> 2;
    }
  }
});

type ReadHook = (instance: number) => number;
type WriteHook = (instance: number, value: number) => void;

/** The registers of one card: their values, and what reading and writing them does. */
export class RegisterFile {
  /** By dword of BAR 0. Who writes here takes no heed of access kinds, and starts no hook: that is the hardware's side. */
  readonly values = Uint32Array.from(resetValues);
  /** Another number after each write of a register without hook, and after resets: what was derived is to be derived anew. */
  version = 0;
  readonly #readHooks: (ReadHook | undefined)[] = SPECS.map(() => undefined);
  readonly #writeHooks: (WriteHook | undefined)[] = SPECS.map(() => undefined);

  /** Has `hook` give what software reads. */
  onRead(name: RegisterName, hook: ReadHook): void {
    this.#readHooks[NAMES.indexOf(name)] = hook;
  }

  /** Has `hook` do what a write by software does, with the bits of the value that are writable. */
  onWrite(name: RegisterName, hook: WriteHook): void {
    this.#writeHooks[NAMES.indexOf(name)] = hook;
  }

  /** What software reads at an offset: zero where there is no register. */
  read(offset: number): number {
    const dword = keptAt[(offset & (BAR0_BYTES - 1)) >> 2] as number;
    const number = (registerAt[dword] as number) - 1;
    if (number < 0) return 0;
    const hook = this.#readHooks[number];
    if (hook !== undefined) return hook(instanceAt[dword] as number) >>> 0;
    const value = this.values[dword] as number;
    const access = (SPECS[number] as RegisterSpec).access;
    if (access === "WO") return 0;
    if (access === "RC") this.values[dword] = 0;
    return value;
  }

  /** What a write by software does: nothing where there is no register, or a read-only one. */
  write(offset: number, value: number): void {
    const dword = keptAt[(offset & (BAR0_BYTES - 1)) >> 2] as number;
    const number = (registerAt[dword] as number) - 1;
    if (number < 0) return;
    const { access, writable = 0xffff_ffff } = SPECS[number] as RegisterSpec;
    const hook = this.#writeHooks[number];
    if (hook !== undefined) {
      hook(instanceAt[dword] as number, (value & writable) >>> 0);
      return;
    }
    this.version++;
    const old = this.values[dword] as number;
    if (access === "RW") this.values[dword] = (old & ~writable) | (value & writable);
    else if (access === "RW1C") this.values[dword] = old & ~value;
  }

  /** Sets registers to their values after reset: one, or all but some. */
  reset(name: RegisterName, instance: number): void {
    const { at, stride = 4 }: RegisterSpec = REGISTERS_82576[name];
    const dword = (at + instance * stride) >> 2;
    this.values[dword] = resetValues[dword] as number;
    this.version++;
  }

  resetAll(except: readonly RegisterName[]): void {
    const kept = except.map((name) => {
      const { at, count = 1 }: RegisterSpec = REGISTERS_82576[name];
      return { at: at >> 2, values: this.values.slice(at >> 2, (at >> 2) + count) };
    });
    this.values.set(resetValues);
    this.version++;
    for (const { at, values } of kept) this.values.set(values, at);
  }

  /** The values that are not those after reset, by offset. */
  save(): readonly (readonly [number, number])[] {
    const state: [number, number][] = [];
    this.values.forEach((value, dword) => {
      if (value !== resetValues[dword]) state.push([dword << 2, value]);
    });
    return state;
  }

  restore(state: readonly (readonly [number, number])[]): void {
    this.values.set(resetValues);
    this.version++;
    for (const [offset, value] of state) this.values[offset >> 2] = value;
  }
}
