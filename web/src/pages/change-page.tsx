export function ChangePage({ host }: { readonly host: string }) {
  return <p>{host}</p>;
}
