import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { API_PATH, type Api } from "./api.ts";

const ONE_YEAR_MS = 365 * 24 * 3_600_000;
const INDEX = "index.html";

/**
 * The page, for whoever asks: it holds nothing of a host before it was given a token. Its own paths (/hosts/NAME) are all the one
 * document, which finds out by itself what to show.
 * @param folder where it was built to; undefined: there is none here
 */
export async function pageRoute(api: Api, folder: string | undefined): Promise<void> {
  const isBuilt = folder !== undefined && existsSync(join(folder, INDEX));
  if (isBuilt) await api.register(fastifyStatic, { root: folder, serve: false, cacheControl: false });
  api.get("/*", {
    config: { access: "anyone" },
    schema: { hide: true },
    handler: async (request, reply) => {
      const path = (request.params as { "*": string })["*"];
      const isFile = /^(?:assets\/)?[\w-]+\.\w+$/.test(path);
      // Who asks for no kind of thing at the root, as curl, gets the page, too.
      const isDocument = !isFile && (path === "" || (request.headers.accept ?? "").includes("text/html"));
      if (`/${path}`.startsWith(`${API_PATH}/`) || !(isFile || isDocument)) throw nothingAt(path);
      if (!isBuilt) {
        throw new VfleetError("VFL-0504", {
          message: "the page was not built",
          remedy: "npm start builds it; the API and the commands work without",
        });
      }
      if (isDocument) return reply.header("cache-control", "no-cache").sendFile(INDEX);
      if (!existsSync(join(folder, path))) throw nothingAt(path);
      // What has a hash of its content in its name never changes.
      const isLasting = path.startsWith("assets/");
      return reply.sendFile(path, isLasting ? { cacheControl: true, maxAge: ONE_YEAR_MS, immutable: true } : {});
    },
  });
}

function nothingAt(path: string): VfleetError {
  return new VfleetError("VFL-0504", { message: `there is no GET /${path.slice(0, 512)}` });
}
