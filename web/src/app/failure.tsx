import { ApiProblem } from "../../../src/client/api-problem.ts";
import { ErrorCode } from "./error-code.tsx";

/** An error as the catalogue has it: what, why, what to do. */
export function Failure({ title, error }: { readonly title: string; readonly error: unknown }) {
  const isOurs = error instanceof ApiProblem;
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="notice bad stack" role="alert">
      <h2>{title}</h2>
      <div>
        {isOurs && error.code !== "" && <ErrorCode code={error.code} />}{" "}
        {/* Of a file: lines, with a caret below them. */}
        {message.includes("\n") ? <pre className="scroll-x">{message}</pre> : message}
      </div>
      {isOurs && error.remedy !== "" && <p>What to do: {error.remedy}</p>}
    </div>
  );
}
