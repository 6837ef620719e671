/** What is asked for; the server answers with a plan. As the API has it (POST /hosts/HOST/plans). */
export type ChangeRequest =
  | { readonly kind: "apply"; readonly document?: DocumentRequest }
  | { readonly kind: "undo"; readonly operation: number }
  | { readonly kind: "set"; readonly vf: string; readonly settings: Readonly<Record<string, unknown>> }
  | { readonly kind: "bind"; readonly vf: string; readonly driver: string }
  | { readonly kind: "reset"; readonly vf: string }
  | { readonly kind: "attach"; readonly vf: string; readonly guest: string }
  | { readonly kind: "attach"; readonly claim: string; readonly guest?: string }
  | { readonly kind: "detach"; readonly vf: string }
  | { readonly kind: "release"; readonly pfs: readonly string[] }
  | { readonly kind: "release"; readonly claim: string }
  | { readonly kind: "release"; readonly ended: true }
  | { readonly kind: "migrate"; readonly guest: string; readonly destination: string; readonly probe?: string };

interface DocumentRequest {
  readonly name: string;
  readonly text: string;
  /** Of the document that was edited; empty: it is new, and no other has its name. */
  readonly resourceVersion?: string;
}

/** What is asked for, as the heading of the conversation about it. */
export function requestTitle(request: ChangeRequest): string {
  switch (request.kind) {
    case "apply":
      return request.document === undefined ? "Apply what is desired" : `Apply ${request.document.name}`;
    case "undo":
      return `Undo operation ${request.operation}`;
    case "set":
      return `Set ${Object.keys(request.settings).join(", ")} of ${request.vf}`;
    case "bind":
      return `Bind ${request.vf} to ${request.driver}`;
    case "reset":
      return `Reset ${request.vf}`;
    case "attach": {
      const what = "vf" in request ? request.vf : `the VFs of the claim ${request.claim}`;
      return request.guest === undefined ? `Attach ${what}` : `Attach ${what} to ${request.guest}`;
    }
    case "detach":
      return `Detach ${request.vf}`;
    case "release":
      if ("pfs" in request) return `Release all VFs of ${request.pfs.join(", ")}`;
      return "claim" in request ? `Release the claim ${request.claim}` : "Release the claims that have ended";
    case "migrate":
      return `Move ${request.guest} to ${request.destination}`;
  }
}
