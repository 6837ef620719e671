import type { OperationFailure } from "../../../src/host/apply/operation.ts";
import { ErrorCode } from "../app/error-code.tsx";

/** What stopped an operation or a step of it: kernel, cause, remedy, in the order in which a person asks. */
export function Failed({ failure }: { readonly failure: OperationFailure }) {
  const { code, message, remedy, errno, target, value, log } = failure;
  return (
    <dl className="facts failed">
      {log.length > 0 && (
        <>
          <dt>kernel</dt>
          <dd>
            <pre className="wrapped">{log.join("\n")}</pre>
          </dd>
        </>
      )}
      <dt>cause</dt>
      <dd>
        {message} <ErrorCode code={code} />
      </dd>
      {target !== null && (
        <>
          <dt>tried</dt>
          <dd>
            <code>
              {target}
              {value === null ? "" : ` = ${value}`}
            </code>
            {errno === null ? "" : `: ${errno}`}
          </dd>
        </>
      )}
      {remedy !== "" && (
        <>
          <dt>remedy</dt>
          <dd>{remedy}</dd>
        </>
      )}
    </dl>
  );
}
