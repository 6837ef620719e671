import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";

/** A link that says when it is where one is. */
export function NavLink({
  to,
  exact = false,
  children,
}: {
  readonly to: string;
  readonly exact?: boolean;
  readonly children: ReactNode;
}) {
  const [path] = useLocation();
  const isHere = exact ? path === to : path === to || path.startsWith(`${to}/`);
  return (
    <Link href={to} aria-current={isHere ? "page" : undefined}>
      {children}
    </Link>
  );
}
