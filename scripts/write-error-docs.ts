/** Writes docs/errors.md from the catalogue of errors; a test fails while the two differ. */
import { writeFileSync } from "node:fs";
import { CATALOGUE } from "../src/errors/catalogue.ts";
import type { CatalogueEntry } from "../src/errors/catalogue-entry.ts";

const HEADER = `# Errors

Each failure and each refusal of vfleet has a code, which keeps its meaning from release to release. \`--json\` gives the
code, the message, the remedy and the details as data. The remedy here is the general one; an error that knows a more
exact one says that instead.

The process ends with exit code 1 where something failed, 2 for bad usage or bad input, 3 where vfleet refused.

<!-- Written from src/errors/codes/ by \`npm run docs\`: change it there. -->
`;

/** The page that documents all codes. */
export function errorDocs(): string {
  const sections = Object.entries<CatalogueEntry>(CATALOGUE).map(
    ([code, { title, explanation, remedy, exitCode }]) =>
      `## ${code}\n**${title}**, exit code ${exitCode}. ${explanation}\n\nRemedy: ${remedy}\n`,
  );
  return [HEADER, ...sections].join("\n");
}

if (import.meta.main) {
  writeFileSync(new URL("../docs/errors.md", import.meta.url), errorDocs());
}
