import { join } from "node:path";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: join(import.meta.dirname, "page"),
  // Relative addresses: the server may sit under any path prefix.
  base: "./",
  plugins: [react(), tailwindcss()],
  build: {
    outDir: join(import.meta.dirname, "dist"),
    emptyOutDir: true,
    target: "es2022",
    // A module preload polyfill would be an inline script's worth of code for browsers of 2022.
    modulePreload: { polyfill: false },
    // Fonts or images as data: addresses would need a hole in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
});
