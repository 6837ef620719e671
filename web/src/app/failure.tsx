import { ApiError } from "../api/problem.ts";

/** An error as the catalogue has it: what, why, what to do. */
export function Failure({ title, error }: { readonly title: string; readonly error: unknown }) {
  const isOurs = error instanceof ApiError;
  return (
    <div className="notice bad stack" role="alert">
      <h2>{title}</h2>
      <p>
        {isOurs && error.code !== "" && <code>{error.code} </code>}
        {error instanceof Error ? error.message : String(error)}
      </p>
      {isOurs && <p>What to do: {error.remedy}</p>}
    </div>
  );
}
