import type { Assistant } from "../../core/assistant.ts";
import {
  createAssistant,
  deleteAssistant,
  getAssistant,
  reviseAssistant,
  searchAssistants,
} from "../../core/operations/assistants.ts";
import { builtinGraphId } from "../../core/message.ts";
import type { Ports } from "../../core/ports/ports.ts";
import { json, route, type Route } from "../route.ts";
import { answers, anyBody, assistantParams } from "./common.ts";
import { inOpenaiWords, notFoundError } from "./errors.ts";
import { assistantIdOf } from "./ids.ts";
import { listPage, pagingQuery, readAll, readPaging } from "./lists.ts";
import { createAssistantBody, updateAssistantBody } from "./schemas.ts";
import { checked } from "./validate.ts";
import { upgradeAssistant } from "./version1.ts";
import { changedContent, contextOf, namelessName, presentAssistant } from "./wire/assistants.ts";

const tag = "Assistants";

const create = route({
  method: "POST",
  path: "/assistants",
  tag,
  summary: "Create an assistant",
  action: "assistants:create",
  body: anyBody,
  answers: answers("The assistant"),
  async handle({ ports, body }) {
    const given = checked(createAssistantBody, upgradeAssistant(body));
    const assistant = await createAssistant(ports, {
      graphId: builtinGraphId,
      name: given.name ?? namelessName,
      description: given.description ?? null,
      context: contextOf(given),
      metadata: given.metadata ?? {},
      ifExists: "raise",
    });
    return json(presentAssistant(assistant));
  },
});

const list = route({
  method: "GET",
  path: "/assistants",
  tag,
  summary: "List assistants",
  action: "assistants:search",
  query: pagingQuery,
  answers: answers("A page of them"),
  async handle({ ports, query }) {
    const paging = readPaging(query);
    const assistants = await readAll((page) =>
      searchAssistants(ports, {
        filter: { graphId: builtinGraphId },
        sort: { by: "created_at", order: "desc" },
        page,
      }),
    );
    return json(listPage(assistants.map(presentAssistant), paging));
  },
});

const retrieve = route({
  method: "GET",
  path: "/assistants/{assistant_id}",
  tag,
  summary: "Get an assistant",
  action: "assistants:read",
  params: assistantParams,
  answers: answers("The assistant"),
  async handle({ ports, params }) {
    return json(presentAssistant(await findAssistant(ports, params.assistant_id)));
  },
});

const update = route({
  method: "POST",
  path: "/assistants/{assistant_id}",
  tag,
  summary: "Change an assistant, which makes a new version of it",
  action: "assistants:update",
  params: assistantParams,
  body: anyBody,
  answers: answers("The assistant"),
  async handle({ ports, params, body }) {
    const given = checked(updateAssistantBody, upgradeAssistant(body));
    const { assistantId } = await findAssistant(ports, params.assistant_id);
    const assistant = await reviseAssistant(ports, assistantId, (content) =>
      changedContent(content, given),
    );
    return json(presentAssistant(assistant));
  },
});

const remove = route({
  method: "DELETE",
  path: "/assistants/{assistant_id}",
  tag,
  summary: "Delete an assistant; its threads stay",
  action: "assistants:delete",
  params: assistantParams,
  answers: answers("That it is gone"),
  async handle({ ports, params }) {
    const { assistantId } = await findAssistant(ports, params.assistant_id);
    await deleteAssistant(ports, assistantId, false);
    return json({ id: params.assistant_id, object: "assistant.deleted", deleted: true });
  },
});

/** An assistant of the built-in graph; those of other graphs are no assistants of this API. */
export async function findAssistant(ports: Ports, id: string): Promise<Assistant> {
  const found = getAssistant(ports, assistantIdOf(id));
  const assistant = await inOpenaiWords(found, { noun: "assistant", id });
  if (assistant.graphId !== builtinGraphId) throw notFoundError("assistant", id);
  return assistant;
}

export const assistantRoutes: Route[] = [create, list, retrieve, update, remove];
