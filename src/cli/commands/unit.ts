import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { packageFile } from "../names.ts";
import { print } from "../output.ts";
import { renderUnit } from "../render-unit.ts";

/** `vfleet unit`: prints the systemd unit; writing it where systemd looks is the administrator's. */
export async function unit({ config }: { readonly config: string }): Promise<number> {
  if (!/^\/[\w./@:-]*$/.test(config)) {
    throw new VfleetError("VFL-0001", {
      message: `${config}: a folder by its whole path was expected, without blanks`,
      remedy: "name it as /etc/vfleet",
    });
  }
  const node = realpathSync(process.execPath);
  const program = fileURLToPath(packageFile("bin/vfleet.js"));
  for (const path of [node, program]) {
    if (!/["'\\\p{Cc}]/u.test(path)) continue;
    throw new VfleetError("VFL-0001", {
      message: `${path}: systemd starts no program of such a name`,
      remedy: "install vfleet in a folder without quotes and backslashes",
    });
  }
  print(renderUnit({ node, program, config }));
  return 0;
}
