import { fileURLToPath } from "node:url";

/** The package's folder: two up from here as source, and from the built file alike. */
export const PACKAGE_FOLDER = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** A script of the package's folder lab/. */
export function labFile(name: string): string {
  return `${PACKAGE_FOLDER}/lab/${name}`;
}
