import { Component, type ReactNode } from "react";
import { useLocation } from "wouter";
import { Failure } from "./failure.tsx";

/** What is inside may fail, as a part of the page that cannot be loaded; the rest stays. Another address is another try. */
export function ErrorBoundary({ children }: { readonly children: ReactNode }) {
  const [path] = useLocation();
  return <Boundary path={path}>{children}</Boundary>;
}

interface BoundaryProps {
  readonly path: string;
  readonly children: ReactNode;
}

interface BoundaryState {
  readonly failed?: { readonly error: unknown } | undefined;
  readonly path: string;
}

class Boundary extends Component<BoundaryProps, BoundaryState> {
  override readonly state: BoundaryState = { path: this.props.path };

  static getDerivedStateFromError(error: unknown): Partial<BoundaryState> {
    return { failed: { error } };
  }

  static getDerivedStateFromProps({ path }: BoundaryProps, state: BoundaryState): Partial<BoundaryState> | null {
    return path === state.path ? null : { failed: undefined, path };
  }

  override render(): ReactNode {
    const { failed } = this.state;
    if (failed === undefined) return this.props.children;
    return (
      <div className="stack padded">
        <Failure title="This cannot be shown" error={failed.error} />
        <p>A part of the page could not be loaded, or has failed. What was begun at hosts goes on by itself.</p>
        <div>
          <button type="button" onClick={() => location.reload()}>
            Load the page anew
          </button>
        </div>
      </div>
    );
  }
}
