import { z } from "zod";

/** What a person is told of a field. Type and allowed values come from its schema, unless that can't tell. */
export interface FieldDoc {
  /** What it is and what is done with it, in a sentence or two. */
  readonly description: string;
  /** As it stands in YAML, `key: value`. */
  readonly example: string;
  /** What holds where it is left out; by default, that what is there stays. */
  readonly default?: string;
  /** What it becomes in the kernel: a file, an attribute, a driver's callback. */
  readonly kernel?: string;
  /** In place of what the schema tells. */
  readonly type?: string;
}

/** By schema: what each field of a policy or claim is. */
export const FIELD_DOCS = z.registry<FieldDoc>();

/** A field that must be there. */
export function required<T extends z.ZodType>(schema: T, doc: FieldDoc): T {
  // A schema of its own for each field: a registry holds one entry for one schema.
  const own = schema.clone() as T;
  FIELD_DOCS.add(own, doc);
  return own;
}

/** A field that may be left out. */
export function optional<T extends z.ZodType>(schema: T, doc: FieldDoc): z.ZodOptional<T> {
  const own = schema.optional();
  FIELD_DOCS.add(own, doc);
  return own;
}
