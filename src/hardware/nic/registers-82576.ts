import type { RegisterSpec } from "./register-spec.ts";
import { GENERAL_REGISTERS } from "./registers-general.ts";
import { INTERRUPT_REGISTERS } from "./registers-interrupt.ts";
import { RECEIVE_REGISTERS } from "./registers-receive.ts";
import { STATISTICS_REGISTERS } from "./registers-statistics.ts";
import { TRANSMIT_REGISTERS } from "./registers-transmit.ts";
import { VIRTUALIZATION_REGISTERS } from "./registers-virtualization.ts";

/** All registers of the 82576's BAR 0, one file for each of the data sheet's chapters. */
export const REGISTERS_82576 = {
  ...GENERAL_REGISTERS,
  ...INTERRUPT_REGISTERS,
  ...RECEIVE_REGISTERS,
  ...TRANSMIT_REGISTERS,
  ...VIRTUALIZATION_REGISTERS,
  ...STATISTICS_REGISTERS,
};

export type RegisterName = keyof typeof REGISTERS_82576;

/** Offsets by name, as Linux's `E1000_...` constants. */
export const E1000: Readonly<Record<RegisterName, number>> = mapRegisters(({ at }) => at);

/** Indexes of dwords by name, for an array of all. */
export const DWORD: Readonly<Record<RegisterName, number>> = mapRegisters(({ at }) => at >> 2);

function mapRegisters<T>(value: (spec: RegisterSpec) => T): Readonly<Record<RegisterName, T>> {
  return Object.fromEntries(Object.entries(REGISTERS_82576).map(([name, spec]) => [name, value(spec)])) as Record<
    RegisterName,
    T
  >;
}

export const QUEUES = 16;
export const POOLS = 8;
/** Dwords from a queue's register to the next queue's. */
export const QUEUE_DWORDS = 0x40 >> 2;
/** Dwords from a VF's register to the next VF's, in the block at 0x10000. */
export const VF_DWORDS = 0x100 >> 2;
