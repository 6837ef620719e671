/** Writes src/client/api-routes.ts from what the server says of itself in OpenAPI; a test fails while the two differ. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ObjectCache } from "../src/fleet/object-cache.ts";
import { AuditLog } from "../src/server/access/audit-log.ts";
import { TokenStore } from "../src/server/access/token-store.ts";
import { API_PATH } from "../src/server/http/api.ts";
import { buildServer } from "../src/server/http/build-server.ts";
import { openDatabase } from "../src/server/open-database.ts";

/** As much of JSON Schema as zod writes for the API. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly description?: string;
}

interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

const HEADER = `// Written from the server's own description by \`npm run docs\`: change it there.

`;
const STEP = "  ";

/** What the server says of itself. */
async function apiPaths(): Promise<Paths> {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-client-types-"));
  const database = openDatabase(folder);
  try {
    const api = await buildServer({
      cache: new ObjectCache("types"),
      hosts: [],
      tokens: new TokenStore(database),
      audit: new AuditLog(database),
      names: { isKnown: () => true },
      deviceNames: () => "",
      version: "",
      logLevel: "silent",
    });
    const { paths } = api.swagger() as unknown as { readonly paths: Paths };
    await api.close();
    return paths;
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
}

/** The types of all routes of the API: what each is asked with, and what it answers. */
export async function clientTypes(): Promise<string> {
  const routes: string[] = [];
  const named = new Map<string, string>();
  for (const [path, methods] of Object.entries(await apiPaths())) {
    if (!path.startsWith(API_PATH)) continue;
    for (const [method, operation] of Object.entries(methods)) {
      routes.push(routeText(`${method.toUpperCase()} ${path.slice(API_PATH.length)}`, operation, named));
    }
  }
  const types = [...named].map(([name, text]) => `interface ${name} ${text}\n\n`);
  return `${HEADER}${types.join("")}/** All routes of the API, by method and path. */\nexport interface ApiRoutes {\n${routes.join("")}}\n`;
}

function routeText(name: string, operation: Operation, named: Map<string, string>): string {
  const { summary = "", parameters = [], requestBody, responses } = operation;
  const request: Record<string, Schema> = {};
  const required: string[] = [];
  for (const place of ["path", "query"] as const) {
    const own = parameters.filter((each) => each.in === place);
    if (own.length === 0) continue;
    const needed = own.filter((each) => each.required).map((each) => each.name);
    const properties = Object.fromEntries(
      own.map(({ name: key, schema, description }) => [
        key,
        description === undefined ? schema : { ...schema, description },
      ]),
    );
    request[place] = { type: "object", properties, required: needed, additionalProperties: false };
    if (needed.length > 0) required.push(place);
  }
  const body = requestBody?.content["application/json"]?.schema;
  if (body !== undefined) {
    request.body = body;
    required.push("body");
  }
  const asked: Schema = { type: "object", properties: request, required, additionalProperties: false };
  const content = Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1].content;
  const json = content?.["application/json"]?.schema;
  const answer = json === undefined ? (content === undefined ? "null" : "Blob") : typeText(json, 2, named);
  return `  /** ${summary} */\n  "${name}": {\n    request: ${typeText(asked, 2, named)};\n    answer: ${answer};\n  };\n`;
}

/** @param named what is an object of the API goes there, by its kind */
function typeText(schema: Schema, depth: number, named: Map<string, string>): string {
  const { type, items, properties } = schema;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map((each) => typeText(each, depth, named)))].join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (Array.isArray(type)) return type.map((each) => typeText({ ...schema, type: each }, depth, named)).join(" | ");
  switch (type) {
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return type;
    case "array": {
      const item = items === undefined ? "unknown" : typeText(items, depth, named);
      return `readonly ${item.includes("|") ? `(${item})` : item}[]`;
    }
    case "object":
      return properties === undefined ? recordText(schema, depth, named) : objectText(schema, depth, named);
    default:
      return "unknown";
  }
}

function recordText({ additionalProperties }: Schema, depth: number, named: Map<string, string>): string {
  const value = typeof additionalProperties === "object" ? typeText(additionalProperties, depth, named) : "unknown";
  return `Readonly<Record<string, ${value}>>`;
}

function objectText(schema: Schema, depth: number, named: Map<string, string>): string {
  const { properties = {}, required = [], additionalProperties } = schema;
  const kind = "apiVersion" in properties ? properties.kind : undefined;
  const name = String(kind?.const ?? kind?.enum?.[0] ?? "");
  if (name !== "" && named.has(name)) return name;
  const own = name === "" ? depth : 0;
  const indent = STEP.repeat(own + 1);
  const lines = Object.entries(properties).map(([key, value]) => {
    const remark =
      value.description === undefined ? "" : `${indent}/** ${value.description.replaceAll("*/", "*")} */\n`;
    const mark = required.includes(key) ? "" : "?";
    return `${remark}${indent}readonly ${/^[a-z_$][\w$]*$/i.test(key) ? key : JSON.stringify(key)}${mark}: ${typeText(value, own + 1, named)};\n`;
  });
  const isOpen = additionalProperties !== false && additionalProperties !== undefined;
  if (isOpen) lines.push(`${indent}readonly [more: string]: unknown;\n`);
  const text = lines.length === 0 ? "object" : `{\n${lines.join("")}${STEP.repeat(own)}}`;
  if (name === "") return text;
  named.set(name, text);
  return name;
}

if (import.meta.main) {
  writeFileSync(new URL("../src/client/api-routes.ts", import.meta.url), await clientTypes());
}
