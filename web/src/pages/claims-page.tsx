export function ClaimsPage({ host }: { readonly host: string }) {
  return <p>{host}</p>;
}
