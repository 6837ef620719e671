import type { HostObject } from "../api/objects.ts";

export interface HostVerdict {
  readonly tone: "good" | "warn" | "bad";
  /** Beside the colour, which not everybody sees. */
  readonly mark: string;
  readonly words: string;
}

/** Whether a host needs a look, and why. */
export function hostVerdict({ status }: HostObject): HostVerdict {
  if (!status.reachable) return { tone: "bad", mark: "✖", words: "cannot be read" };
  switch (status.desired) {
    case "refused":
      return { tone: "bad", mark: "✖", words: "what is desired is refused" };
    case "invalid":
      return { tone: "bad", mark: "✖", words: "a document is wrong" };
    case "differs":
      return { tone: "warn", mark: "▲", words: "differs from what is desired" };
    case "settled":
      return { tone: "good", mark: "✔", words: "as desired" };
    case "nothing":
      return { tone: "good", mark: "✔", words: "nothing desired yet" };
    case null:
      return { tone: "warn", mark: "?", words: "not known whether as desired" };
  }
}
