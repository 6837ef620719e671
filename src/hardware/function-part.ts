import type { ResetKind } from "./device-model.ts";

/** How a request ended (PCIe 6.0 §2.2.9.1). */
export type Completion =
  | "success"
  | "unsupported request"
  | "completer abort"
  | "request retry status"
  | "timeout"
  | "poisoned";

export type ErrorSeverity = "correctable" | "non-fatal" | "fatal";

/** A stretch of a BAR that is the function's own business, and not its device's. */
export interface BarRegion {
  readonly bar: number;
  readonly start: number;
  readonly end: number;
  read(offset: number, size: number): number;
  write(offset: number, size: number, value: number): void;
}

/** Behaviour of some registers: what a write to them brings about, and what a reset does besides. */
export interface FunctionPart {
  /** In a saved state. */
  readonly key: string;
  /** Registers whose writes it wants to see. */
  readonly start: number;
  readonly end: number;
  /** After the registers have taken a write. */
  written?(offset: number, size: number): void;
  reset?(kind: ResetKind): void;
  /** Undefined where it holds nothing that its registers do not. */
  save?(): unknown;
  restore?(state: unknown): void;
}

/** A way in which a function interrupts. */
export interface Interrupter {
  readonly enabled: boolean;
  interrupt(vector: number): void;
}

/** The interrupt of a function that uses neither MSI nor MSI-X: a wire, by Assert_INTx and Deassert_INTx. */
export interface Intx {
  readonly asserted: boolean;
  /** 0 INTA to 3 INTD, as the function has it. */
  readonly pin: number;
  /** What it tells of has come, or gone. */
  setPending(pending: boolean): void;
  /** What decides has changed. */
  settle(): void;
}

/** Faults that can be put upon a function. */
export interface FunctionFaults {
  /** It answers nothing any more: completions time out, DMA and interrupts have ended. */
  hung: boolean;
  /** Data of the next read of its memory comes poisoned. */
  poisonNextRead: boolean;
  /** Data of its own next read of memory comes poisoned. */
  poisonNextDma: boolean;
}

/** A function's state, as JSON keeps it. */
export interface FunctionState {
  readonly config: string | null;
  readonly capturedBus: number;
  readonly powerState: 0 | 1 | 2 | 3;
  readonly readyInNs: number;
  readonly faults: Readonly<FunctionFaults>;
  readonly parts: Readonly<Record<string, unknown>>;
  readonly model: unknown;
}
