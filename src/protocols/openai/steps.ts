import { withDraft } from "../../core/operations/drafts.ts";
import { json, route, type Route } from "../route.ts";
import { answers, runParams, stepParams } from "./common.ts";
import { notFoundError } from "./errors.ts";
import { listPage, pagingQuery, readPaging } from "./lists.ts";
import { findTurn } from "./runs.ts";
import { presentSteps } from "./wire/steps.ts";

const tag = "Run steps";

const list = route({
  method: "GET",
  path: "/threads/{thread_id}/runs/{run_id}/steps",
  tag,
  summary: "List the steps of a run",
  action: "threads:read",
  params: runParams,
  query: pagingQuery,
  answers: answers("A page of them"),
  async handle({ ports, params, query }) {
    const paging = readPaging(query);
    const turn = await withDraft(ports, await findTurn(ports, params));
    return json(listPage(presentSteps(turn).toReversed(), paging));
  },
});

const retrieve = route({
  method: "GET",
  path: "/threads/{thread_id}/runs/{run_id}/steps/{step_id}",
  tag,
  summary: "Get a step of a run",
  action: "threads:read",
  params: stepParams,
  answers: answers("The step"),
  async handle({ ports, params }) {
    const turn = await withDraft(ports, await findTurn(ports, params));
    const step = presentSteps(turn).find(({ id }) => id === params.step_id);
    if (!step) throw notFoundError("run step", params.step_id);
    return json(step);
  },
});

export const stepRoutes: Route[] = [list, retrieve];
