// Prints `N passed, N failed` from the JSON report that vitest wrote to the given path. A file that could not be loaded
// has no tests to count and is one failure. A test that passed only when tried again counts as passed and is named.
import { existsSync, readFileSync } from "node:fs";

const path = process.argv[2];
if (path === undefined || !existsSync(path)) {
  console.error("The tests wrote no report: they did not run to their end.");
  process.exit(1);
}
const report = JSON.parse(readFileSync(path, "utf8"));
const brokenFiles = report.testResults.filter(
  (file) =>
    file.status === "failed" && !file.assertionResults.some((result) => result.status === "failed"),
);
for (const file of brokenFiles) console.error(`${file.name}: ${file.message}`);
const triedAgain = report.testResults
  .flatMap((file) => file.assertionResults)
  .filter(({ status, failureMessages }) => status === "passed" && failureMessages?.length > 0);
for (const { fullName, failureMessages } of triedAgain) {
  console.error(`Passed on its second try: ${fullName}\n  ${failureMessages[0].split("\n", 1)[0]}`);
}
const failed = report.numFailedTests + brokenFiles.length;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
if (failed > 0 || report.numPassedTests === 0) process.exitCode = 1;
