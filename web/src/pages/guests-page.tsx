export function GuestsPage({ host }: { readonly host: string }) {
  return <p>{host}</p>;
}
