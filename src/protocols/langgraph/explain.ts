import { z } from "zod";
import type { RunId } from "../../core/ids.ts";
import { explain } from "../../core/operations/explain.ts";
import { json, route, type Route } from "../route.ts";
import { answer, failures, uuid } from "./schemas/common.ts";
import { explanation } from "./schemas/explain.ts";
import { presentExplanation } from "./wire/explain.ts";

export const explainRoute: Route = route({
  method: "GET",
  path: "/runs/{run_id}/explain",
  tag: "Runs",
  summary: "Why a run is pending or how it ended, in words and fields",
  action: "threads:read",
  params: z.object({ run_id: uuid }),
  answers: { 200: answer(explanation, "The explanation"), ...failures(404, 422) },
  async handle({ ports, params }) {
    return json(presentExplanation(await explain(ports, params.run_id as RunId)));
  },
});
