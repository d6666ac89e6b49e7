import { z } from "zod";
import { invalid } from "../../core/error.ts";
import {
  activateVersion,
  countAssistants,
  createAssistant,
  deleteAssistant,
  getAssistant,
  graphIdOf,
  listVersions,
  searchAssistants,
  updateAssistant,
} from "../../core/operations/assistants.ts";
import { flag, flagOrInteger, integer } from "../query.ts";
import { json, route, type Route } from "../route.ts";
import * as schemas from "./schemas/assistants.ts";
import { answer, assistantParams, failures, pageAnswer, version } from "./schemas/common.ts";
import {
  presentAssistant,
  presentSchemas,
  presentVersion,
  readAssistantChange,
  readAssistantFilter,
  readCreateAssistant,
} from "./wire/assistants.ts";
import { paginationHeaders, select } from "./wire/common.ts";

const tag = "Assistants";

const create = route({
  method: "POST",
  path: "/assistants",
  tag,
  summary: "Create an assistant over a deployed graph",
  action: "assistants:create",
  body: schemas.createBody,
  answers: {
    200: answer(schemas.assistant, "The assistant, at version 1"),
    ...failures(400, 404, 409, 422),
  },
  async handle({ ports, body }) {
    const assistant = await createAssistant(ports, readCreateAssistant(body));
    return json(presentAssistant(assistant));
  },
});

const search = route({
  method: "POST",
  path: "/assistants/search",
  tag,
  summary: "Search assistants",
  action: "assistants:search",
  body: schemas.searchBody,
  answers: {
    200: pageAnswer(schemas.assistant),
    ...failures(400, 422),
  },
  async handle({ ports, body }) {
    const page = { limit: body.limit, offset: body.offset };
    const sort = { by: body.sort_by, order: body.sort_order };
    const found = await searchAssistants(ports, { filter: readAssistantFilter(body), sort, page });
    const wire = found.items.map((one) => select(presentAssistant(one), body.select));
    return json(wire, paginationHeaders(found, page));
  },
});

const count = route({
  method: "POST",
  path: "/assistants/count",
  tag,
  summary: "Count assistants",
  action: "assistants:search",
  body: schemas.countBody,
  answers: { 200: answer(z.int(), "How many match"), ...failures(400, 422) },
  async handle({ ports, body }) {
    return json(await countAssistants(ports, readAssistantFilter(body)));
  },
});

const get = route({
  method: "GET",
  path: "/assistants/{assistant_id}",
  tag,
  summary: "Get an assistant by its id, or a graph's default assistant by the graph's id",
  action: "assistants:read",
  params: assistantParams,
  answers: { 200: answer(schemas.assistant, "The assistant"), ...failures(404) },
  async handle({ ports, params }) {
    return json(presentAssistant(await getAssistant(ports, params.assistant_id)));
  },
});

const patch = route({
  method: "PATCH",
  path: "/assistants/{assistant_id}",
  tag,
  summary: "Append a version and make it active",
  action: "assistants:update",
  params: assistantParams,
  body: schemas.patchBody,
  answers: {
    200: answer(schemas.assistant, "The assistant at its new version"),
    ...failures(400, 404, 422),
  },
  async handle({ ports, params, body }) {
    const change = readAssistantChange(body);
    return json(presentAssistant(await updateAssistant(ports, params.assistant_id, change)));
  },
});

const remove = route({
  method: "DELETE",
  path: "/assistants/{assistant_id}",
  tag,
  summary: "Delete an assistant with all its versions",
  action: "assistants:delete",
  params: assistantParams,
  query: { delete_threads: flag() },
  answers: { 200: answer(z.array(z.string()), "The id that is gone"), ...failures(404, 422) },
  async handle({ ports, params, query }) {
    return json([await deleteAssistant(ports, params.assistant_id, query.delete_threads)]);
  },
});

const graph = route({
  method: "GET",
  path: "/assistants/{assistant_id}/graph",
  tag,
  summary: "Draw the assistant's graph",
  action: "assistants:read",
  params: assistantParams,
  query: {
    xray: flagOrInteger(
      z
        .union([z.boolean(), z.int().min(0)], { error: "expected true, false or a depth" })
        .default(false),
    ),
  },
  answers: { 200: answer(schemas.drawing, "Nodes and edges"), ...failures(404, 422) },
  async handle({ ports, params, query }) {
    const graphId = await graphIdOf(ports, params.assistant_id);
    return json(await ports.graphs.drawing(graphId, query.xray));
  },
});

const graphSchemas = route({
  method: "GET",
  path: "/assistants/{assistant_id}/schemas",
  tag,
  summary: "Get the schemas of the assistant's graph",
  action: "assistants:read",
  params: assistantParams,
  answers: { 200: answer(schemas.graphSchemas, "JSON Schemas"), ...failures(404, 422) },
  async handle({ ports, params }) {
    const graphId = await graphIdOf(ports, params.assistant_id);
    return json({ graph_id: graphId, ...presentSchemas(await ports.graphs.schemas(graphId)) });
  },
});

const subgraphAnswers = {
  200: answer(z.record(z.string(), schemas.schemas), "Schemas by namespace"),
  ...failures(404, 422),
};

const subgraphs = route({
  method: "GET",
  path: "/assistants/{assistant_id}/subgraphs",
  tag,
  summary: "Get the schemas of the graph's subgraphs",
  action: "assistants:read",
  params: assistantParams,
  query: { recurse: flag() },
  answers: subgraphAnswers,
  async handle({ ports, params, query }) {
    const graphId = await graphIdOf(ports, params.assistant_id);
    return json(presentSubgraphs(await ports.graphs.subgraphs(graphId, query)));
  },
});

const subgraph = route({
  method: "GET",
  path: "/assistants/{assistant_id}/subgraphs/{namespace}",
  tag,
  summary: "Get the schemas of one subgraph",
  action: "assistants:read",
  params: assistantParams.extend({ namespace: z.string().min(1) }),
  query: { recurse: flag() },
  answers: subgraphAnswers,
  async handle({ ports, params, query }) {
    const graphId = await graphIdOf(ports, params.assistant_id);
    const wanted = { namespace: params.namespace, recurse: query.recurse };
    return json(presentSubgraphs(await ports.graphs.subgraphs(graphId, wanted)));
  },
});

function presentSubgraphs(found: Record<string, Parameters<typeof presentSchemas>[0]>) {
  return Object.fromEntries(
    Object.entries(found).map(([namespace, one]) => [namespace, presentSchemas(one)]),
  );
}

const versions = route({
  method: "POST",
  path: "/assistants/{assistant_id}/versions",
  tag,
  summary: "List an assistant's versions, newest first",
  action: "assistants:read",
  params: assistantParams,
  body: schemas.versionsBody,
  answers: {
    200: answer(z.array(schemas.assistantVersion), "A page of them"),
    ...failures(400, 404, 422),
  },
  async handle({ ports, params, body }) {
    const page = { limit: body.limit, offset: body.offset };
    const metadata = body.metadata ?? undefined;
    const found = await listVersions(ports, params.assistant_id, { metadata, page });
    return json(found.map(presentVersion));
  },
});

const latest = route({
  method: "POST",
  path: "/assistants/{assistant_id}/latest",
  tag,
  summary: "Make an older version the active one",
  action: "assistants:update",
  params: assistantParams,
  query: { version: integer(version.optional()) },
  body: schemas.latestBody,
  answers: {
    200: answer(schemas.assistant, "The assistant with everything of that version"),
    ...failures(400, 404, 422),
  },
  async handle({ ports, params, query, body }) {
    const wanted = body.version ?? query.version;
    if (wanted === undefined) throw invalid("Invalid request body: `version`: expected a number.");
    const assistant = await activateVersion(ports, params.assistant_id, wanted);
    return json(presentAssistant(assistant));
  },
});

export const assistantRoutes: Route[] = [
  create,
  search,
  count,
  get,
  patch,
  remove,
  graph,
  graphSchemas,
  subgraphs,
  subgraph,
  versions,
  latest,
];
