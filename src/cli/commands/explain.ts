import { CATALOGUE, catalogueEntry } from "../../errors/catalogue.ts";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { print, toJson } from "../output.ts";
import { paint, table } from "../terminal.ts";

/** `vfleet explain [CODE]`: what a code means, or all of them. */
export async function explain(code: string | undefined, options: { readonly json?: boolean }): Promise<number> {
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
