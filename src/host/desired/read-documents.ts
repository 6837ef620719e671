import { z } from "zod";
import { readYamlDocuments, type YamlDocument } from "../../yaml/read-yaml.ts";
import { CLAIM_SCHEMA, type VfClaim } from "./claim-schema.ts";
import { POLICY_SCHEMA, type VfPolicy } from "./policy-schema.ts";

/** A file's text, and its name for messages. */
export interface PolicyFile {
  readonly label: string;
  readonly text: string;
}

/** What is wanted, as it was written. */
export interface PolicyDocuments {
  readonly policies: readonly VfPolicy[];
  readonly claims: readonly VfClaim[];
}

/** By `kind`. */
export const DOCUMENT_SCHEMAS = { VfPolicy: POLICY_SCHEMA, VfClaim: CLAIM_SCHEMA } as const;

type AnyDocument = VfPolicy | VfClaim;

/** Of a document whose kind says nothing: to tell so. */
const UNKNOWN_KIND = z
  .looseObject({ apiVersion: POLICY_SCHEMA.shape.apiVersion, kind: z.enum(["VfPolicy", "VfClaim"]) })
  .transform((): AnyDocument => z.NEVER);

/**
 * Reads policies and claims, any number to a file (`---` between them), in any order.
 * @throws VfleetError VFL-0016 with line and column of all that is wrong with the first document that is
 */
export function readPolicies(files: readonly PolicyFile[]): PolicyDocuments {
  const documents = files.flatMap(({ label, text }) => readYamlDocuments<AnyDocument>(text, label, schemaFor));
  refuseSameNames(documents);
  const values = documents.map(({ value }) => value);
  return {
    policies: values.filter((value) => value.kind === "VfPolicy"),
    claims: values.filter((value) => value.kind === "VfClaim"),
  };
}

function schemaFor(value: unknown): z.ZodType<AnyDocument> {
  const kind: unknown = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  if (kind === "VfPolicy") return POLICY_SCHEMA;
  return kind === "VfClaim" ? CLAIM_SCHEMA : UNKNOWN_KIND;
}

function refuseSameNames(documents: readonly YamlDocument<AnyDocument>[]): void {
  const first = new Map<string, YamlDocument<AnyDocument>>();
  const path = ["metadata", "name"];
  for (const document of documents) {
    const { kind, metadata } = document.value;
    const key = `${kind} ${metadata.name}`;
    const other = first.get(key);
    if (other) throw document.error(path, `there is a ${key} already, at ${other.place(path)}`);
    first.set(key, document);
  }
}
