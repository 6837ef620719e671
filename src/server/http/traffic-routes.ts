import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { isUnread, type Observed } from "../../kernel/port.ts";
import { hostNamed, type ManagedHost } from "../managed-host.ts";
import { API_PATH, type Api } from "./api.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const NAME = z.string().min(1).max(256);
const END = z.union([z.int().min(0).max(65_535), z.literal("pf")]).describe("a VF by its index, or the PF itself");
const COUNT = z.int();
const FLOW = z.strictObject({
  netdev: z.string().min(1).max(15).describe("the PF's interface"),
  from: END,
  to: END,
  framesPerSecond: z.int().min(1).max(1_488_095).default(1000),
  bytes: z.int().min(64).max(1518).default(64).describe("of each frame"),
});
const REPORT = z.object({
  id: z.int(),
  netdev: z.string(),
  from: END,
  to: END,
  framesPerSecond: z.int(),
  bytes: z.int(),
  seconds: z.number().describe("of the model's time"),
  sent: COUNT,
  received: COUNT,
  unsent: z.object({ noDriver: COUNT, ringFull: COUNT, overload: COUNT }),
  dropped: z.object({
    spoofed: COUNT,
    noReceiver: COUNT,
    notFetched: COUNT,
    noDescriptor: COUNT,
    toNetwork: COUNT.describe("they left for the network, where nobody is"),
  }),
});
const ERRORS = {
  400: PROBLEM_SCHEMA,
  401: PROBLEM_SCHEMA,
  403: PROBLEM_SCHEMA,
  404: PROBLEM_SCHEMA,
  409: PROBLEM_SCHEMA,
  503: PROBLEM_SCHEMA,
};

/** What the modelled machine says of an errno. */
const REASONS: Readonly<Record<string, string>> = {
  ENODEV: "it is no interface of an 82576's PF, or has no such VF",
  ENETDOWN: "nobody drives the sender: a VF without a driver, or an interface that is down",
  ENOSPC: "as much traffic as there can be runs already",
  EINVAL: "the card sends no such frames",
};

/** Traffic of modelled machines, which goes on by itself. Of a real host there is none that a server starts. */
export function trafficRoutes(api: Api, hosts: readonly ManagedHost[]): void {
  const flowsOf = (host: string) => {
    const { flows } = hostNamed(hosts, host).setting;
    if (flows === undefined) throw new VfleetError("VFL-0520", { message: `${host} is no modelled machine` });
    return flows;
  };
  api.get(`${API_PATH}/hosts/:host/traffic`, {
    config: { access: "viewer" },
    schema: {
      summary: "what traffic a modelled machine has, and what came of it",
      params: z.strictObject({ host: NAME }),
      response: { 200: z.object({ items: z.array(REPORT) }), ...ERRORS },
    },
    handler: async ({ params: { host } }) => ({ items: [...(await flowsOf(host).list())] }),
  });
  api.post(`${API_PATH}/hosts/:host/traffic`, {
    config: { access: "operator" },
    schema: {
      summary: "start traffic from one end of a card to another",
      params: z.strictObject({ host: NAME }),
      body: FLOW,
      response: { 201: z.object({ id: z.int() }), ...ERRORS },
    },
    handler: async ({ params: { host }, body }, reply) => {
      const id = taken(await flowsOf(host).start(body));
      reply.code(201);
      return { id };
    },
  });
  api.delete(`${API_PATH}/hosts/:host/traffic/:id`, {
    config: { access: "operator" },
    schema: {
      summary: "end traffic; what came of it is answered",
      params: z.strictObject({ host: NAME, id: z.coerce.number().int().min(0).max(0xffff_ffff) }),
      response: { 200: REPORT, ...ERRORS },
    },
    handler: async ({ params: { host, id } }) => taken(await flowsOf(host).stop(id)),
  });
}

function taken<T>(answer: Observed<T>): T {
  if (!isUnread(answer)) return answer;
  const { path, errno } = answer;
  if (errno === "ENOENT") throw new VfleetError("VFL-0504", { message: `there is no ${path}` });
  throw new VfleetError("VFL-0521", { message: `${path}: ${REASONS[errno] ?? errno}`, details: { errno } });
}
