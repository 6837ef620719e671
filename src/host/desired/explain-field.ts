import { z } from "zod";
import { nearMiss } from "../../yaml/near-miss.ts";
import { FIELD_DOCS, type FieldDoc } from "./field-docs.ts";
import { DOCUMENT_SCHEMAS } from "./read-documents.ts";

/** What a field of a policy or claim is. */
export interface FieldExplanation {
  /** As `VfPolicy.spec.vfs.network.vlan`. */
  readonly field: string;
  readonly type: string;
  readonly required: boolean;
  /** null: what is there stays as it is. */
  readonly default: string | null;
  /** All values, where they can be told one by one. */
  readonly allowed: readonly string[] | null;
  readonly description: string;
  /** What it becomes in the kernel. */
  readonly kernel: string | null;
  readonly example: string;
  /** What is in it, by name. */
  readonly fields: readonly FieldSummary[];
}

interface FieldSummary {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/** That there is no such field, and which there are. */
export interface UnknownField {
  readonly unknown: string;
  /** Fields that may be meant, whole. */
  readonly meant: readonly string[];
  /** Names where the first unknown one stands. */
  readonly known: readonly string[];
}

const KINDS: Readonly<Record<keyof typeof DOCUMENT_SCHEMAS, string>> = {
  VfPolicy: "Which PFs have how many VFs, and what these are like.",
  VfClaim: "A guest needs VFs: how many, from where, and with which settings.",
};

/** Explains a field by its path from the kind on; numbers of list entries are left out or passed over. */
export function explainField(path: string): FieldExplanation | UnknownField {
  const parts = path.replaceAll(/\[\d*\]/g, "").split(".");
  let known: readonly string[] = Object.keys(DOCUMENT_SCHEMAS);
  let at: z.core.$ZodType | undefined;
  for (const [depth, part] of parts.entries()) {
    const shape: Shape = at === undefined ? DOCUMENT_SCHEMAS : shapeOf(at);
    known = Object.keys(shape);
    const next = Object.hasOwn(shape, part) ? shape[part] : undefined;
    if (next === undefined) return { unknown: path, meant: meantBy(parts, depth, known), known };
    at = next;
  }
  return at === undefined ? { unknown: path, meant: [], known } : explain(parts, at);
}

/** All fields, each after what it is in. */
export function allFields(): readonly FieldExplanation[] {
  const below = (parts: readonly string[], schema: z.core.$ZodType): FieldExplanation[] => [
    explain(parts, schema),
    ...Object.entries(shapeOf(schema)).flatMap(([name, inner]) => below([...parts, name], inner)),
  ];
  return Object.entries(DOCUMENT_SCHEMAS).flatMap(([kind, schema]) => below([kind], schema));
}

/** The name that was likely meant in place of an unknown one; else, fields anywhere that end like it. */
function meantBy(parts: readonly string[], depth: number, known: readonly string[]): readonly string[] {
  const meant = nearMiss(parts[depth] ?? "", known);
  if (meant !== undefined) {
    const whole = parts.with(depth, meant).join(".");
    return "unknown" in explainField(whole) ? [parts.slice(0, depth).concat(meant).join(".")] : [whole];
  }
  const end = `.${parts.slice(depth).join(".")}`.toLowerCase();
  return allFields()
    .map(({ field }) => field)
    .filter((field) => field.toLowerCase().endsWith(end));
}

type Shape = Readonly<Record<string, z.core.$ZodType>>;

function explain(parts: readonly string[], schema: z.core.$ZodType): FieldExplanation {
  const doc = docOf(schema);
  return {
    field: parts.join("."),
    type: typeOf(schema, doc),
    required: isRequired(schema),
    default: doc?.default ?? null,
    allowed: allowedValues(schema),
    description: doc?.description ?? KINDS[parts[0] as keyof typeof KINDS],
    kernel: doc?.kernel ?? null,
    example: doc?.example ?? `kind: ${parts[0]}`,
    fields: Object.entries(shapeOf(schema)).map(([name, inner]) => ({
      name,
      type: typeOf(inner, docOf(inner)),
      required: isRequired(inner),
      description: docOf(inner)?.description ?? "",
    })),
  };
}

function isRequired(schema: z.core.$ZodType): boolean {
  return !(schema instanceof z.ZodOptional);
}

/** What was said of a schema, or of one that it wraps. */
function docOf(schema: z.core.$ZodType): FieldDoc | undefined {
  return FIELD_DOCS.get(schema as z.ZodType);
}

/** Without what wraps it: optional, and a pipe that makes something of the value. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional) return bare(schema.unwrap());
  return schema instanceof z.ZodPipe ? bare(schema.in) : schema;
}

/** The fields of a mapping, or of the mappings of a list. */
function shapeOf(schema: z.core.$ZodType): Shape {
  const inner = bare(schema);
  if (inner instanceof z.ZodArray) return shapeOf(inner.element);
  return inner instanceof z.ZodObject ? inner.shape : {};
}

function typeOf(schema: z.core.$ZodType, doc: FieldDoc | undefined): string {
  if (doc?.type !== undefined) return doc.type;
  const inner = bare(schema);
  if (inner instanceof z.ZodNumber) {
    const { minValue, maxValue } = inner;
    return `whole number, ${minValue} to ${maxValue}`;
  }
  if (inner instanceof z.ZodBoolean) return "true or false";
  if (inner instanceof z.ZodArray) return "list of mappings";
  if (inner instanceof z.ZodObject) return "mapping";
  return (allowedValues(schema) ?? ["text"]).join(" or ");
}

function allowedValues(schema: z.core.$ZodType): readonly string[] | null {
  const inner = bare(schema);
  if (inner instanceof z.ZodEnum) return inner.options.map(String);
  if (inner instanceof z.ZodLiteral) return [...inner.values].map(String);
  return inner instanceof z.ZodBoolean ? ["true", "false"] : null;
}
