import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles.css";
import "./theme.ts";
import { watchConnection } from "./api/connection.ts";
import { queryClient } from "./api/queries.ts";
import { router } from "./router.tsx";
import { Speaking } from "./words/words.tsx";

// It has done its work in address.ts, and would bend references within drawings.
document.querySelector("base")?.remove();

watchConnection(() => void queryClient.invalidateQueries());

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Speaking>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </Speaking>
  </StrictMode>,
);
