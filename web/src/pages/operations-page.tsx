export function OperationsPage({ host, number }: { readonly host: string; readonly number: number | undefined }) {
  return (
    <p>
      {host} {number}
    </p>
  );
}
