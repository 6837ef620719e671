/** What is asked for; the server answers with a plan. As the API has it (POST /hosts/HOST/plans). */
export type ChangeRequest =
  | { readonly kind: "apply"; readonly document?: { readonly name: string; readonly text: string } }
  | { readonly kind: "undo"; readonly operation: number }
  | { readonly kind: "set"; readonly vf: string; readonly settings: Readonly<Record<string, unknown>> }
  | { readonly kind: "bind"; readonly vf: string; readonly driver: string }
  | { readonly kind: "reset"; readonly vf: string }
  | { readonly kind: "attach"; readonly vf: string; readonly guest: string }
  | { readonly kind: "attach"; readonly claim: string; readonly guest?: string }
  | { readonly kind: "detach"; readonly vf: string }
  | { readonly kind: "release"; readonly pfs: readonly string[] }
  | { readonly kind: "release"; readonly claim: string }
  | { readonly kind: "migrate"; readonly guest: string; readonly destination: string };
