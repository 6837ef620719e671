import { CATALOGUE, catalogueEntry } from "../../errors/catalogue.ts";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { print, toJson } from "../output.ts";
import { paint, table, wrapWords } from "../terminal.ts";

const CODE = /^VFL-/i;
const KEY_WIDTH = 10;

/** `vfleet explain [CODE|FIELD]`: what a code means or a field of a policy is; all codes when left out. */
export async function explain(code: string | undefined, options: { readonly json?: boolean }): Promise<number> {
  if (code !== undefined && !CODE.test(code)) return explainOneField(code, options);
  if (code === undefined) {
    const all = Object.entries(CATALOGUE).map(([key, entry]) => ({ code: key, ...entry }));
    const rows = all.map((entry) => [entry.code, entry.title]);
    print(options.json ? `${toJson({ codes: all })}\n` : `${table(["CODE", "MEANS"], rows).join("\n")}\n`);
    return 0;
  }
  const entry = catalogueEntry(code);
  if (!entry) {
    throw new VfleetError("VFL-0001", {
      message: `there is no code ${JSON.stringify(code)}`,
      remedy: "list the codes with: vfleet explain",
    });
  }
  const lines = [
    `${paint("strong", entry.code)} ${entry.title}`,
    "",
    entry.explanation,
    "",
    `${paint("strong", "do:")} ${entry.remedy}`,
  ];
  print(options.json ? `${toJson(entry)}\n` : `${lines.join("\n")}\n`);
  return 0;
}

async function explainOneField(path: string, options: { readonly json?: boolean }): Promise<number> {
  // With it come the schemas.
  const { explainField } = await import("../../host/desired/explain-field.ts");
  const field = explainField(path);
  if ("unknown" in field) {
    throw new VfleetError("VFL-0001", {
      message: `there is neither a code nor a field ${JSON.stringify(path)}`,
      remedy:
        field.meant.length > 0
          ? `did you mean ${field.meant.join(" or ")}?`
          : `fields there are ${field.known.join(", ")}; codes: vfleet explain`,
    });
  }
  if (options.json) {
    print(`${toJson(field)}\n`);
    return 0;
  }
  const facts: [string, string][] = [
    ["type", `${field.type}${field.required ? ", required" : ""}`],
    ...(field.allowed === null ? [] : [["one of", field.allowed.join(", ")] as [string, string]]),
    ["left out", field.default ?? (field.required ? "cannot be" : "what is there stays as it is")],
    ...(field.kernel === null ? [] : [["kernel", field.kernel] as [string, string]]),
    ["example", field.example],
  ];
  const lines = [
    paint("strong", field.field),
    "",
    ...wrapWords(field.description, 0),
    "",
    ...facts.flatMap(([name, value]) =>
      wrapWords(value, KEY_WIDTH).map((line, index) => `${(index === 0 ? name : "").padEnd(KEY_WIDTH)}${line}`),
    ),
  ];
  if (field.fields.length > 0) {
    const rows = field.fields.map(({ name, type, required, description }) => [
      name,
      `${type}${required ? "*" : ""}`,
      description,
    ]);
    lines.push("", ...table(["FIELD", "TYPE", "IS"], rows));
    if (field.fields.some(({ required }) => required)) lines.push("", paint("faint", "* must be there"));
  }
  print(`${lines.join("\n")}\n`);
  return 0;
}
