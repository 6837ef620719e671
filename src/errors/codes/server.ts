import type { CatalogueEntry } from "../catalogue-entry.ts";

/** Of the server, and what it answers. */
export const SERVER = {
  "VFL-0501": {
    title: "bad request",
    explanation: "The request is not one that the API takes: a parameter, the body or its type is wrong.",
    remedy: "see /openapi.json for what it takes",
    exitCode: 2,
  },
  "VFL-0502": {
    title: "no valid token",
    explanation:
      "The request has no token, or one that the server does not know or that was revoked. All of the API but its health and its description is for those with a token.",
    remedy: "send Authorization: Bearer TOKEN; vfleet up prints the first one, vfleet token makes others",
    exitCode: 3,
  },
  "VFL-0503": {
    title: "not allowed",
    explanation: "The token's role does not reach so far: viewers read, operators change hosts, admins manage tokens.",
    remedy: "use a token of the role that is named",
    exitCode: 3,
  },
  "VFL-0504": {
    title: "no such thing",
    explanation: "The server has no object, or no path, of that name.",
    remedy: "list what is there first",
    exitCode: 2,
  },
  "VFL-0505": {
    title: "watched from too long ago",
    explanation: "What happened since that version is not kept any more, or the server was started anew.",
    remedy: "list the objects again, and watch from the version of the list",
    exitCode: 3,
  },
  "VFL-0506": {
    title: "too many requests",
    explanation: "More requests came from there than the server takes in a time.",
    remedy: "wait as long as Retry-After says, or watch instead of asking again and again",
    exitCode: 3,
  },
  "VFL-0507": {
    title: "the server did not manage",
    explanation: "Something went wrong in vfleet itself. It is in the server's log, by the request's id.",
    remedy: "report it with that line of the log",
    exitCode: 1,
  },
  "VFL-0508": {
    title: "the address is not for this",
    explanation:
      "The server listens on the loopback interface, or with TLS. In the clear on other interfaces anyone on the way could read its tokens.",
    remedy: "listen on 127.0.0.1, or give --tls-generate, or --tls-cert and --tls-key",
    exitCode: 2,
  },
  "VFL-0509": {
    title: "another server has it",
    explanation: "One server works with a state folder at a time, and one listens at an address.",
    remedy: "use the one that runs, stop it, or name another --state and --listen",
    exitCode: 3,
  },
  "VFL-0510": {
    title: "the request names another host",
    explanation:
      "Its Host header is none of this server's names. So a page of somebody else's, whose name was made to lead here, does not get in.",
    remedy: "use the address that vfleet up prints",
    exitCode: 3,
  },
  "VFL-0511": {
    title: "the name is taken",
    explanation: "Names of tokens are unique, so that one can be revoked by its name.",
    remedy: "take another name, or revoke that one first",
    exitCode: 3,
  },
  "VFL-0512": {
    title: "nothing to take back",
    explanation:
      "Only what was done and verified can be taken back: other operations have been already, or wait for recovery.",
    remedy: "see vfleet operations; what is stuck is for vfleet recover --stuck",
    exitCode: 3,
  },
  "VFL-0513": {
    title: "the object has changed",
    explanation: "It is not any more as it was when the version that the request names was read.",
    remedy: "read it again, and decide anew",
    exitCode: 3,
  },
  "VFL-0514": {
    title: "the server is about to end",
    explanation: "What has been begun is brought to its end; nothing new is begun.",
    remedy: "ask the server that takes its place",
    exitCode: 1,
  },
  "VFL-0515": {
    title: "no token for the server",
    explanation:
      "Each request to a server has a token. Where none is named, that of this machine's own server is used, for a server on the loopback interface alone. A token is never sent in the clear over a network.",
    remedy:
      "make one with vfleet token create NAME at the server's machine, and name its file: --token-file FILE, or VFLEET_TOKEN_FILE",
    exitCode: 2,
  },
  "VFL-0520": {
    title: "only of a modelled machine",
    explanation: "Traffic is started at modelled machines alone. What a real host's programs send is theirs.",
    remedy: "name a host whose source is model:FILE; GET /hosts has each one's source",
    exitCode: 3,
  },
  "VFL-0521": {
    title: "the traffic was refused",
    explanation: "The modelled machine has no such interface or VF, nobody drives it, or enough traffic runs already.",
    remedy: "see the PF's interface and its VFs with: vfleet show BDF; bring the interface up in vfleet model shell",
    exitCode: 3,
  },
  "VFL-0522": {
    title: "the server does not answer",
    explanation: "Nobody answers there, or not as vfleet does: the address, the certificate, or what stands between.",
    remedy: "see whether vfleet up still runs, and at which address",
    exitCode: 1,
  },
  "VFL-0523": {
    title: "an answer of another version",
    explanation: "The server answered with a code that this vfleet does not know: it is newer, or no vfleet at all.",
    remedy: "use the same version of vfleet here and there; GET /errors/CODE of that server tells what its code means",
    exitCode: 1,
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
