import { isUnread } from "../kernel/port.ts";

/** Fields as they were read: null where one was not, and why. */
export type ReadFields<Fields> = {
  [Name in keyof Fields]: Exclude<Fields[Name], { readonly kind: "unread" }> | null;
} & { unknown: Record<string, string> };

/** Values, null where one was not read, and the reasons by the fields' names. */
export function readOf<Fields extends Readonly<Record<string, unknown>>>(fields: Fields): ReadFields<Fields> {
  const unknown: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (isUnread(value)) unknown[name] = `${value.reason} (${value.path})`;
    values[name] = isUnread(value) ? null : value;
  }
  return { ...values, unknown } as ReadFields<Fields>;
}
