import { VfleetError } from "../errors/vfleet-error.ts";
import type { ObservedObject } from "./objects.ts";

/** `driver=vfio-pci`, `guest!=`, of fields of `status` that hold one value. */
interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  /** Empty: null. */
  readonly value: string;
}

const TERM = /^([a-zA-Z]\w{0,63})(!?=)(.{0,256})$/;
const MOST_TERMS = 16;

/**
 * Reads a selector of fields: terms with commas between them, of which all must hold.
 * @throws VfleetError VFL-0501
 */
export function fieldSelector(text: string): (object: ObservedObject) => boolean {
  const words = text.split(",").filter((word) => word !== "");
  if (words.length > MOST_TERMS) throw wrong(text, `it has more than ${MOST_TERMS} terms`);
  const terms = words.map((word): FieldTerm => {
    const [, field, operator, value] = TERM.exec(word) ?? [];
    if (field === undefined || value === undefined) throw wrong(text, `"${word}" is not FIELD=VALUE or FIELD!=VALUE`);
    return { field, equal: operator === "=", value };
  });
  return ({ status }) => terms.every((term) => holds(status as Readonly<Record<string, unknown>>, term, text));
}

function holds(status: Readonly<Record<string, unknown>>, { field, equal, value }: FieldTerm, text: string): boolean {
  if (!Object.hasOwn(status, field))
    throw wrong(text, `there is no field ${field}; there are ${Object.keys(status).join(", ")}`);
  const actual = status[field];
  if (typeof actual === "object" && actual !== null) throw wrong(text, `${field} holds more than one value`);
  return (String(actual ?? "") === value) === equal;
}

function wrong(text: string, why: string): VfleetError {
  return new VfleetError("VFL-0501", {
    message: `fieldSelector: ${why}`,
    remedy: "write it as driver=vfio-pci,guest!=  (an empty value is null)",
    details: { fieldSelector: text },
  });
}
