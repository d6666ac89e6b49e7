import { z } from "zod";
import type { ThreadId } from "../../core/ids.ts";
import { getHistory, getState, updateState } from "../../core/operations/state.ts";
import { patchThread, withValues } from "../../core/operations/threads.ts";
import { flag, integer, list, text } from "../query.ts";
import { json, jsonText, route, type Route } from "../route.ts";
import { answer, failures, limit, threadParams } from "./schemas/common.ts";
import * as schemas from "./schemas/threads.ts";
import { readCheckpoint } from "./wire/common.ts";
import { readHistoryQuery, readStateUpdate, stateText } from "./wire/state.ts";
import { presentThread } from "./wire/threads.ts";

const tag = "Thread state";

const fields = list(z.array(schemas.stateField).optional());
const stateAnswers = { 200: answer(schemas.state, "The state"), ...failures(404, 422) };
const historyAnswers = {
  200: answer(z.array(schemas.state), "States, newest first"),
  ...failures(400, 404, 422),
};

const get = route({
  method: "GET",
  path: "/threads/{thread_id}/state",
  tag,
  summary: "Get a thread's latest state",
  action: "threads:read",
  params: threadParams,
  query: { subgraphs: flag(), select: fields },
  answers: stateAnswers,
  async handle({ ports, params, query }) {
    const { subgraphs } = query;
    const state = await getState(ports, params.thread_id as ThreadId, { subgraphs });
    return jsonText(stateText(state, query.select));
  },
});

const getAt = route({
  method: "GET",
  path: "/threads/{thread_id}/state/{checkpoint_id}",
  tag,
  summary: "Get a thread's state at a checkpoint",
  action: "threads:read",
  params: threadParams.extend({ checkpoint_id: z.string().min(1) }),
  query: { subgraphs: flag(), select: fields },
  answers: stateAnswers,
  async handle({ ports, params, query }) {
    const checkpoint = { checkpoint_id: params.checkpoint_id };
    const { subgraphs } = query;
    const state = await getState(ports, params.thread_id as ThreadId, { checkpoint, subgraphs });
    return jsonText(stateText(state, query.select));
  },
});

const postAt = route({
  method: "POST",
  path: "/threads/{thread_id}/state/checkpoint",
  tag,
  summary: "Get a thread's state at a checkpoint, also one of a subgraph",
  action: "threads:read",
  params: threadParams,
  body: schemas.stateAtBody,
  answers: { ...stateAnswers, ...failures(400) },
  async handle({ ports, params, body }) {
    const checkpoint = readCheckpoint(body.checkpoint);
    const subgraphs = body.subgraphs ?? false;
    const state = await getState(ports, params.thread_id as ThreadId, { checkpoint, subgraphs });
    return jsonText(stateText(state, body.select));
  },
});

const update = route({
  method: "POST",
  path: "/threads/{thread_id}/state",
  tag,
  summary: "Write a checkpoint as if a node had returned the values",
  action: "threads:update",
  params: threadParams,
  body: schemas.updateStateBody,
  answers: {
    200: answer(schemas.updatedState, "The new checkpoint"),
    ...failures(400, 404, 409, 422),
  },
  async handle({ ports, params, body }) {
    const command = readStateUpdate(body);
    const checkpoint = await updateState(ports, params.thread_id as ThreadId, command);
    const { checkpoint_id } = checkpoint;
    // The last two are what the first platform servers answered.
    return json({ checkpoint, configurable: checkpoint, checkpoint_id });
  },
});

const patch = route({
  method: "PATCH",
  path: "/threads/{thread_id}/state",
  tag,
  summary: "Merge metadata into the thread's (`patchState` of the JavaScript SDK)",
  action: "threads:update",
  params: threadParams,
  body: schemas.patchStateBody,
  answers: { 200: answer(schemas.thread, "The thread"), ...failures(400, 404, 422) },
  async handle({ ports, params, body }) {
    const { metadata } = body;
    const thread = await patchThread(ports, params.thread_id as ThreadId, {
      metadata: metadata ?? undefined,
    });
    return json(presentThread(await withValues(ports, thread)));
  },
});

const listHistory = route({
  method: "GET",
  path: "/threads/{thread_id}/history",
  tag,
  summary: "List a thread's states",
  action: "threads:read",
  params: threadParams,
  query: { limit: integer(limit), before: text(z.string().optional()), select: fields },
  answers: historyAnswers,
  async handle({ ports, params, query }) {
    const { before } = query;
    const states = await getHistory(ports, params.thread_id as ThreadId, {
      limit: query.limit,
      before,
      withValues: wantsValues(query.select),
    });
    return jsonText(`[${states.map((state) => stateText(state, query.select)).join()}]`);
  },
});

const searchHistory = route({
  method: "POST",
  path: "/threads/{thread_id}/history",
  tag,
  summary: "List those of a thread's states that match",
  action: "threads:read",
  params: threadParams,
  body: schemas.historyBody,
  answers: historyAnswers,
  async handle({ ports, params, body }) {
    const query = { ...readHistoryQuery(body), withValues: wantsValues(body.select) };
    const states = await getHistory(ports, params.thread_id as ThreadId, query);
    return jsonText(`[${states.map((state) => stateText(state, body.select)).join()}]`);
  },
});

/** All fields are wanted when none is named. */
function wantsValues(select: readonly string[] | null | undefined): boolean {
  return !select?.length || select.some((field) => /^values(\.|$)/.test(field));
}

export const stateRoutes: Route[] = [get, getAt, postAt, update, patch, listHistory, searchHistory];
