import type { Block } from "./capability.ts";
import type { RegisterTable, Values } from "./register.ts";

/** Declares a block; `derive` sees the values of `table` by type. */
export function block<T extends RegisterTable>(definition: {
  readonly name?: string;
  readonly offset: number;
  readonly table: T;
  readonly derive?: (values: Values<T>) => Record<string, unknown>;
}): Block {
  return definition as unknown as Block;
}
