import type { ModelledMachine } from "../../kernel/model/remote/modelled-machine.ts";

/** What a shell on a machine keeps between commands. */
export interface ShellState {
  readonly machine: ModelledMachine;
  /** Absolute, as `cd` went there. */
  cwd: string;
  /** Of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}
