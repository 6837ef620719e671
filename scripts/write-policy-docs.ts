/** Writes docs/policy-fields.md from the schemas of policies and claims; a test fails while the two differ. */
import { writeFileSync } from "node:fs";
import { allFields, explainField, type FieldExplanation } from "../src/host/desired/explain-field.ts";

const HEADER = `# Fields of policies and claims

All that a policy or a claim may hold; [policies.md](policies.md) tells what for. \`vfleet explain FIELD\` says the same of
one field. **Bold** fields must be there. What is left out, and has no default here, stays as it is.

<!-- Written from src/host/desired by \`npm run docs\`: change it there. -->
`;

/** The page that documents all fields. */
export function policyDocs(): string {
  const written = new Map<string, string>();
  const sections = allFields()
    .filter(({ fields }) => fields.length > 0)
    .map((section) => {
      const rows = section.fields.map(({ name }) => fieldRow(name, fieldOf(`${section.field}.${name}`))).join("\n");
      const same = written.get(rows);
      written.set(rows, same ?? section.field);
      const heading = `## ${section.field}\n${section.description}\n`;
      return same === undefined ? `${heading}\n${HEAD}\n${rows}\n` : `${heading}\nThe same fields as in ${same}.\n`;
    });
  return [HEADER, ...sections].join("\n");
}

const HEAD = "| field | type | default | what it is | in the kernel | example |\n|---|---|---|---|---|---|";

function fieldOf(path: string): FieldExplanation {
  const found = explainField(path);
  if ("unknown" in found) throw new Error(`${path} is listed and not found`);
  return found;
}

function fieldRow(
  name: string,
  { type, required, default: usual, description, kernel, example }: FieldExplanation,
): string {
  const cells = [required ? `**${name}**` : name, type, usual ?? "", description, kernel ?? "", `\`${example}\``];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

if (import.meta.main) {
  writeFileSync(new URL("../docs/policy-fields.md", import.meta.url), policyDocs());
}
