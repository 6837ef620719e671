import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { config } from "zod";
import { takeTokenFromAddress } from "./api/session.ts";
import { App } from "./app/app.tsx";
import { applyTheme } from "./app/theme.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";

// The page's policy lets nobody make code of text, which schemas would do to be quicker.
config({ jitless: true });
takeTokenFromAddress();
// In a tab that is open already the printed link changes nothing else.
addEventListener("hashchange", () => {
  if (takeTokenFromAddress()) location.reload();
});
applyTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
