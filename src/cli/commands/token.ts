import { VfleetError } from "../../errors/vfleet-error.ts";
import { ROLE_SCHEMA } from "../../server/access/role.ts";
import { isTokenName, TokenStore } from "../../server/access/token-store.ts";
import { openDatabase } from "../../server/open-database.ts";
import { note, print, toJson } from "../output.ts";
import { serverFolder } from "../server-folder.ts";
import { table } from "../terminal.ts";

export interface TokenOptions {
  readonly state?: string;
  readonly json?: boolean;
}

/** `vfleet token create NAME`: straight into the server's folder, also while no server runs, or all tokens are lost. */
export async function tokenCreate(name: string, options: TokenOptions & { readonly role: string }): Promise<number> {
  if (!isTokenName(name)) {
    throw new VfleetError("VFL-0001", {
      message: `"${name}" is no name for a token`,
      remedy: "use lower case letters, digits, - and .",
    });
  }
  const role = ROLE_SCHEMA.parse(options.role);
  const token = withTokens(options, (tokens) => tokens.create(name, role, new Date()));
  print(options.json ? `${toJson({ name, role, token })}\n` : `${token}\n`);
  if (!options.json) note("shown this once: keep it where only its user can read it");
  return 0;
}

/** `vfleet token list` */
export async function tokenList(options: TokenOptions): Promise<number> {
  const entries = withTokens(options, (tokens) => tokens.list());
  if (options.json) print(`${toJson({ tokens: entries })}\n`);
  else {
    const rows = entries.map(({ name, role, createdAt }) => [name, role, createdAt]);
    print(`${table(["NAME", "ROLE", "MADE"], rows).join("\n")}\n`);
  }
  return 0;
}

/** `vfleet token revoke NAME` */
export async function tokenRevoke(name: string, options: TokenOptions): Promise<number> {
  if (!withTokens(options, (tokens) => tokens.revoke(name))) {
    throw new VfleetError("VFL-0504", { message: `there is no token ${name}`, remedy: "see vfleet token list" });
  }
  note(`${name} is revoked`);
  return 0;
}

function withTokens<Result>({ state = serverFolder() }: TokenOptions, use: (tokens: TokenStore) => Result): Result {
  const database = openDatabase(state);
  try {
    return use(new TokenStore(database));
  } finally {
    database.close();
  }
}
