import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { DOCUMENT_NAME } from "../../fleet/changes/change-request.ts";
import { operationSetting } from "../../fleet/host-setting.ts";
import { DESIRED } from "../../host/apply/operation.ts";
import { type PolicyFile, readPolicies } from "../../host/desired/read-documents.ts";
import { documentName, documentVersion, readDesiredFolder, removeDocument } from "../../state/desired-folder.ts";
import { openLocks } from "../../state/pf-locks.ts";
import { hostNamed, type ManagedHost } from "../managed-host.ts";
import { API_PATH, type Api } from "./api.ts";
import { inOrder } from "./in-order.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const NAME = z.string().min(1).max(256);
const DOCUMENT = z.object({
  name: z.string(),
  text: z.string(),
  resourceVersion: z.string().describe("of the text"),
  objects: z
    .array(z.object({ kind: z.string(), name: z.string() }))
    .nullable()
    .describe("null where it is not valid"),
});
const ERRORS = { 400: PROBLEM_SCHEMA, 401: PROBLEM_SCHEMA, 403: PROBLEM_SCHEMA, 404: PROBLEM_SCHEMA };

/** What is kept of a host on its disk: documents that say what is desired, and the records of operations. */
export function hostRoutes(api: Api, hosts: readonly ManagedHost[]): void {
  api.get(`${API_PATH}/hosts/:host/documents`, {
    config: { access: "viewer" },
    schema: {
      summary: "what is desired of a host, as it was written",
      params: z.strictObject({ host: NAME }),
      response: { 200: z.object({ items: z.array(DOCUMENT) }), ...ERRORS },
    },
    handler: async ({ params: { host } }) => ({ items: await documentsOf(hostNamed(hosts, host)) }),
  });
  api.delete(`${API_PATH}/hosts/:host/documents/:name`, {
    config: { access: "operator" },
    schema: {
      summary: "desire it no longer; VFs stay as they are until they are released",
      params: z.strictObject({ host: NAME, name: DOCUMENT_NAME }),
      querystring: z.strictObject({
        resourceVersion: z.string().max(64).optional().describe("refused where the document is another by now"),
      }),
      response: { 204: z.null(), 409: PROBLEM_SCHEMA, 412: PROBLEM_SCHEMA, ...ERRORS },
    },
    handler: async ({ params: { host: hostName, name }, query: { resourceVersion } }, reply) => {
      const host = hostNamed(hosts, hostName);
      const { config, locks } = host.setting.folders;
      // Who is about to keep it would undo this; and between look and removal it could become another.
      const { release } = await openLocks(locks).acquire([DESIRED]);
      try {
        const found = (await readDesiredFolder(config)).find((each) => documentName(each) === name);
        if (found === undefined) throw new VfleetError("VFL-0504", { message: `there is no document ${name}` });
        if (resourceVersion !== undefined && resourceVersion !== documentVersion(found)) {
          throw new VfleetError("VFL-0513", { message: `the document ${name} has changed` });
        }
        await removeDocument(config, name);
      } finally {
        release();
      }
      await host.watched.lookNow();
      reply.code(204);
      return null;
    },
  });
  api.get(`${API_PATH}/hosts/:host/operations/:number/record`, {
    config: { access: "viewer" },
    serializerCompiler: inOrder,
    schema: {
      summary:
        "an operation as it is written down: each step with old and new values, what was read back, the kernel's words",
      params: z.strictObject({ host: NAME, number: z.coerce.number().int().min(1).max(999_999_999) }),
      response: {
        200: z.looseObject({
          number: z.int(),
          state: z.string(),
          events: z.array(z.looseObject({ event: z.string() })),
        }),
        409: PROBLEM_SCHEMA,
        ...ERRORS,
      },
    },
    handler: async ({ params: { host, number } }) => {
      const operation = await operationSetting(hostNamed(hosts, host).setting).store.read(number);
      if (operation === undefined) throw new VfleetError("VFL-0504", { message: `there is no operation ${number}` });
      return JSON.parse(JSON.stringify(operation));
    },
  });
}

async function documentsOf({ setting }: ManagedHost): Promise<z.infer<typeof DOCUMENT>[]> {
  const files = await readDesiredFolder(setting.folders.config);
  return files.map((file) => ({
    name: documentName(file),
    text: file.text,
    resourceVersion: documentVersion(file),
    objects: objectsIn(file),
  }));
}

function objectsIn(file: PolicyFile): { kind: string; name: string }[] | null {
  try {
    const { policies, claims } = readPolicies([file]);
    return [...policies, ...claims].map(({ kind, metadata }) => ({ kind, name: metadata.name }));
  } catch (error) {
    if (error instanceof VfleetError) return null;
    throw error;
  }
}
