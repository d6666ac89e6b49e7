import { searchRuns } from "../../core/operations/runs.ts";
import { json, route, type Route } from "../route.ts";
import { failures, pageAnswer } from "./schemas/common.ts";
import * as schemas from "./schemas/runs.ts";
import { paginationHeaders, select } from "./wire/common.ts";
import { presentRun, readRunFilter } from "./wire/runs.ts";

/** An extension: the official API lists runs of one thread only. */
export const searchRunsRoute: Route = route({
  method: "POST",
  path: "/runs/search",
  tag: "Runs",
  summary: "Search runs over all threads, newest first",
  action: "threads:search",
  body: schemas.searchBody,
  answers: {
    200: pageAnswer(schemas.run),
    ...failures(400, 422),
  },
  async handle({ ports, body }) {
    const page = { limit: body.limit, offset: body.offset };
    const found = await searchRuns(ports, { filter: readRunFilter(body), page });
    const wire = found.items.map((run) => select(presentRun(run, false), body.select));
    return json(wire, paginationHeaders(found, page));
  },
});
