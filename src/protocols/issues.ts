import type { z } from "zod";

type Issue = z.core.$ZodIssue;

const shownMax = 3;

/** A sentence for clients: which fields are wrong, and what was expected. */
export function describeIssues(issues: readonly Issue[], where: string): string {
  return `Invalid ${where}: ${listIssues(issues)}.`;
}

/** The same without a beginning and an end. */
export function listIssues(issues: readonly Issue[]): string {
  const shown = issues.slice(0, shownMax).map(describeIssue);
  const more = issues.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function describeIssue(issue: Issue): string {
  const field = issue.path
    .map((key, at) => (typeof key === "number" ? `[${key}]` : `${at > 0 ? "." : ""}${String(key)}`))
    .join("");
  return field === "" ? explain(issue) : `\`${field}\`: ${explain(issue)}`;
}

function explain(issue: Issue): string {
  const { message } = issue;
  if (message.endsWith("received undefined")) {
    return message.replace(/^Invalid input: (.*), received undefined$/, "is required, $1");
  }
  return message.replace(/^(Invalid input|Invalid option|Too small|Too big): /, "");
}
