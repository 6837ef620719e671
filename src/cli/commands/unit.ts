import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { listenAddress } from "../../server/listen-address.ts";
import { packageFile } from "../names.ts";
import { print } from "../output.ts";
import { renderServerUnit } from "../render-server-unit.ts";
import { renderUnit } from "../render-unit.ts";

export interface UnitOptions {
  readonly config: string;
  readonly listen: string;
}

/** `vfleet unit [boot|server]`: prints a systemd unit; writing it where systemd looks is the administrator's. */
export async function unit(which: "boot" | "server", { config, listen }: UnitOptions): Promise<number> {
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
  if (which === "boot") print(renderUnit({ node, program, config }));
  else {
    // Other addresses want TLS, whose options go into the unit by hand.
    listenAddress(listen, false);
    print(renderServerUnit({ node, program, config, listen }));
  }
  return 0;
}
