/** What guest/commands.ts has recorded in a lab machine, for tests to judge. */
import assert from "node:assert/strict";
import type { BootResult } from "../../src/lab/boot.ts";

/** One command of vfleet, and the drivers of VFs after it. */
export interface Command {
  readonly stage: string;
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly vfs: readonly { readonly bdf: string; readonly driver: string | null }[];
}

/** A guest as `vfleet guests --json` has it. */
export interface Guest {
  readonly name: string;
  readonly unreachable: string | null;
  readonly devices: readonly { readonly bdf: string; readonly byVfleet: boolean }[];
}

export class RecordedCommands {
  readonly #result: BootResult;

  constructor(result: BootResult) {
    this.#result = result;
  }

  records<T>(kind: string): T[] {
    return this.#result.records.filter((record) => record.kind === kind) as unknown as T[];
  }

  command(stage: string): Command {
    const found = this.records<Command>("command").find((each) => each.stage === stage);
    assert.ok(found, stage);
    return found;
  }

  /** A command that had to succeed. */
  done(stage: string): Command {
    const found = this.command(stage);
    assert.equal(found.status, 0, `${stage}: ${found.stdout}${found.stderr}`);
    return found;
  }

  /** @param words what it had to say as it refused */
  refused(stage: string, words: RegExp): void {
    const found = this.command(stage);
    assert.equal(found.status, 3, `${stage}: ${found.stdout}`);
    assert.match(found.stdout + found.stderr, words);
  }
}
