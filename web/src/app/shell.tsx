import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { session } from "../api/session.ts";
import { ErrorBoundary } from "./error-boundary.tsx";
import { KeyboardHelp } from "./keyboard-help.tsx";
import { NavLink } from "./nav-link.tsx";
import { usePerson } from "./person.tsx";
import { chooseTheme, type Theme, theme } from "./theme.ts";

/** What is around every page. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const { name, role } = usePerson();
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header>
        <Link href="/" className="brand">
          vfleet
        </Link>
        <nav aria-label="Main">
          <NavLink to="/" exact>
            Fleet
          </NavLink>
          {role === "admin" && <NavLink to="/audit">Audit</NavLink>}
        </nav>
        <div className="end">
          <span className="muted">
            {name} · {role}
          </span>
          <ThemeChoice />
          <KeyboardHelp />
          <button type="button" className="plain" onClick={() => session.signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <main id="content">
        <ErrorBoundary>{children}</ErrorBoundary>
      </main>
    </div>
  );
}

function ThemeChoice() {
  const [chosen, setChosen] = useState<Theme>(theme);
  return (
    <select
      aria-label="Theme"
      value={chosen}
      onChange={({ target }) => {
        const next = target.value as Theme;
        chooseTheme(next);
        setChosen(next);
      }}
    >
      <option value="auto">System</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </select>
  );
}
