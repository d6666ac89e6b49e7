import { z } from "zod";
import type { CronId } from "../../core/ids.ts";
import {
  countCrons,
  createCron,
  deleteCron,
  getCron,
  searchCrons,
  updateCron,
} from "../../core/operations/crons.ts";
import { json, route, type Route } from "../route.ts";
import { answer, failures, pageAnswer, threadParams } from "./schemas/common.ts";
import * as schemas from "./schemas/crons.ts";
import { paginationHeaders, select } from "./wire/common.ts";
import { presentCron, readCreateCron, readCronChange, readCronFilter } from "./wire/crons.ts";

const tag = "Crons";

const cronAnswers = { 200: answer(schemas.cron, "The cron"), ...failures(400, 404, 422) };

const create = route({
  method: "POST",
  path: "/runs/crons",
  tag,
  summary: "Create a cron whose runs each get a thread of their own",
  action: "crons:create",
  body: schemas.createBody,
  answers: cronAnswers,
  async handle({ ports, body }) {
    return json(presentCron(await createCron(ports, readCreateCron(null, body))));
  },
});

const createOnThread = route({
  method: "POST",
  path: "/threads/{thread_id}/runs/crons",
  tag,
  summary: "Create a cron on a thread; it goes with the thread",
  action: "crons:create",
  params: threadParams,
  body: schemas.createBody,
  answers: cronAnswers,
  async handle({ ports, params, body }) {
    return json(presentCron(await createCron(ports, readCreateCron(params.thread_id, body))));
  },
});

const search = route({
  method: "POST",
  path: "/runs/crons/search",
  tag,
  summary: "Search crons",
  action: "crons:search",
  body: schemas.searchBody,
  answers: {
    200: pageAnswer(schemas.cron),
    ...failures(400, 422),
  },
  async handle({ ports, body }) {
    const page = { limit: body.limit, offset: body.offset };
    const found = await searchCrons(ports, {
      filter: readCronFilter(body),
      sort: { by: body.sort_by ?? "created_at", order: body.sort_order },
      page,
    });
    const wire = found.items.map((one) => select(presentCron(one), body.select));
    return json(wire, paginationHeaders(found, page));
  },
});

const count = route({
  method: "POST",
  path: "/runs/crons/count",
  tag,
  summary: "Count crons",
  action: "crons:search",
  body: schemas.countBody,
  answers: { 200: answer(z.int(), "How many match"), ...failures(400, 422) },
  async handle({ ports, body }) {
    return json(await countCrons(ports, readCronFilter(body)));
  },
});

const get = route({
  method: "GET",
  path: "/runs/crons/{cron_id}",
  tag,
  summary: "Get a cron",
  action: "crons:read",
  params: schemas.cronParams,
  answers: { 200: answer(schemas.cron, "The cron"), ...failures(404, 422) },
  async handle({ ports, params }) {
    return json(presentCron(await getCron(ports, params.cron_id as CronId)));
  },
});

const update = route({
  method: "PATCH",
  path: "/runs/crons/{cron_id}",
  tag,
  summary: "Change a cron; its next date is counted anew when the change touches it",
  action: "crons:update",
  params: schemas.cronParams,
  body: schemas.updateBody,
  answers: cronAnswers,
  async handle({ ports, params, body }) {
    const change = readCronChange(body);
    return json(presentCron(await updateCron(ports, params.cron_id as CronId, change)));
  },
});

const remove = route({
  method: "DELETE",
  path: "/runs/crons/{cron_id}",
  tag,
  summary: "Delete a cron; the runs it made stay",
  action: "crons:delete",
  params: schemas.cronParams,
  answers: { 200: answer(z.object({}), "It is gone"), ...failures(404, 422) },
  async handle({ ports, params }) {
    await deleteCron(ports, params.cron_id as CronId);
    return json({});
  },
});

/** Before the routes of runs: `crons` is no run id. */
export const cronRoutes: Route[] = [create, createOnThread, search, count, get, update, remove];
