import { NVME_ADMIN, NVME_IO } from "./opcodes.ts";
import { Structure } from "./structures.ts";

export const ERROR_LOG_ENTRIES = 4;
const MOST_CHANGED = 1024;
const ERROR_BYTES = 64;
const SMART_BYTES = 512;
const TEMPERATURE = 0x143;
const NS_PER_HOUR = 3_600_000_000_000;
/** Data units are thousands of 512 bytes (NVM Express Base 2.0 §5.16.1.3). */
const DATA_UNIT_BYTES = 512_000;
const SUPPORTED = 0x1;
const CHANGES_BLOCKS = 0x2;
const CHANGES_NAMESPACES = 0x8;

interface LoggedError {
  readonly count: number;
  readonly submissionId: number;
  readonly commandId: number;
  readonly status: number;
  readonly block: number;
  readonly namespaceId: number;
}

interface LogsState {
  readonly errors: readonly LoggedError[];
  readonly errorCount: number;
  readonly changed: readonly number[];
  readonly counters: Readonly<Counters>;
}

interface Counters {
  bytesRead: number;
  bytesWritten: number;
  reads: number;
  writes: number;
}

/** What a controller keeps for its log pages (Base 2.0 §5.16.1). */
export class Logs {
  readonly counters: Counters = { bytesRead: 0, bytesWritten: 0, reads: 0, writes: 0 };
  #errors: LoggedError[] = [];
  #errorCount = 0;
  #changed: number[] = [];

  /** Error Information (§5.16.1.2), newest first. */
  addError(error: Omit<LoggedError, "count">): void {
    this.#errors.unshift({ ...error, count: ++this.#errorCount });
    this.#errors.length = Math.min(this.#errors.length, ERROR_LOG_ENTRIES);
  }

  errorLog(): Structure {
    const data = new Structure(ERROR_BYTES * ERROR_LOG_ENTRIES);
    for (const [index, error] of this.#errors.entries()) {
      const at = ERROR_BYTES * index;
      data
        .u64(at, error.count)
        .u16(at + 8, error.submissionId)
        .u16(at + 10, error.commandId)
        .u16(at + 12, (error.status << 1) & 0xffff)
        // No parameter of the command is to blame in particular.
        .u16(at + 14, 0xffff)
        .u64(at + 16, error.block)
        .u32(at + 24, error.namespaceId);
    }
    return data;
  }

  /** SMART / Health Information (§5.16.1.3). */
  smartLog(nowNs: number): Structure {
    const { bytesRead, bytesWritten, reads, writes } = this.counters;
    return new Structure(SMART_BYTES)
      .u16(1, TEMPERATURE)
      .u8(3, 100)
      .u8(4, 10)
      .u64(32, Math.ceil(bytesRead / DATA_UNIT_BYTES))
      .u64(48, Math.ceil(bytesWritten / DATA_UNIT_BYTES))
      .u64(64, reads)
      .u64(80, writes)
      .u64(128, Math.floor(nowNs / NS_PER_HOUR))
      .u64(176, this.#errorCount);
  }

  /** A namespace came, went, or is another (§5.16.1.5). */
  namespaceChanged(id: number): void {
    if (!this.#changed.includes(id)) this.#changed.push(id);
  }

  /** @param forget what is told: the host has read it */
  changedNamespaces(forget: boolean): Structure {
    const data = new Structure();
    const ids = [...this.#changed].sort((a, b) => a - b);
    if (ids.length > MOST_CHANGED) data.u32(0, 0xffff_ffff);
    else for (const [index, id] of ids.entries()) data.u32(4 * index, id);
    if (forget) this.#changed = [];
    return data;
  }

  /** Changes that the host has not been told of are none for one that begins anew; the rest stays over resets. */
  reset(): void {
    this.#changed = [];
  }

  save(): LogsState {
    return {
      errors: [...this.#errors],
      errorCount: this.#errorCount,
      changed: [...this.#changed],
      counters: { ...this.counters },
    };
  }

  restore({ errors, errorCount, changed, counters }: LogsState): void {
    this.#errors = [...errors];
    this.#errorCount = errorCount;
    this.#changed = [...changed];
    Object.assign(this.counters, counters);
  }
}

/** Firmware Slot Information (§5.16.1.4): the one slot is active. */
export function firmwareLog(firmware: string): Structure {
  return new Structure(512).u8(0, 1).text(8, firmware, 8);
}

/** Commands Supported and Effects (§5.16.1.6). */
export function effectsLog(managesNamespaces: boolean, virtualizes: boolean): Structure {
  const data = new Structure();
  const { namespaceManagement, namespaceAttachment, virtualizationManagement } = NVME_ADMIN;
  for (const opcode of Object.values(NVME_ADMIN)) data.u32(4 * opcode, SUPPORTED);
  for (const opcode of [namespaceManagement, namespaceAttachment]) {
    data.u32(4 * opcode, managesNamespaces ? SUPPORTED | CHANGES_NAMESPACES : 0);
  }
  if (!virtualizes) data.u32(4 * virtualizationManagement, 0);
  const writing: readonly number[] = [NVME_IO.write, NVME_IO.writeZeroes, NVME_IO.datasetManagement, NVME_IO.flush];
  for (const opcode of Object.values(NVME_IO)) {
    data.u32(1024 + 4 * opcode, writing.includes(opcode) ? SUPPORTED | CHANGES_BLOCKS : SUPPORTED);
  }
  return data;
}
