import { defineConfig } from "vitest/config";

/** Where .ci/run wants the results as JSON besides what is printed. */
const report = process.env["ADJUTANT_TEST_REPORT"];

export default defineConfig({
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    exclude: ["test/fixtures/**", "**/node_modules/**"],
    // The checkpointer conformance suite (@langchain/langgraph-checkpoint-validation) calls `describe` and `it` as globals.
    globals: true,
    // Processes, not threads: tests change signal handlers and the working directory, and SQLite handles stay apart.
    pool: "forks",
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    // Tests that start processes take a second; only what is slower than that is worth a line of its own.
    slowTestThreshold: 3_000,
    // A limit to catch what hangs; servers and child processes start within it on two busy cores.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // How long a condition is waited for; the default of a second is over before a busy machine has drawn a page.
    expect: { poll: { timeout: 12_000, interval: 100 } },
    // Only where a whole run hangs on each test; .ci/print-result.js names the tests that needed their second try.
    retry: report ? 1 : 0,
  },
});
