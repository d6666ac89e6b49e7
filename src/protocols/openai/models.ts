import { z } from "zod";
import type { Ports } from "../../core/ports/ports.ts";
import { json, route, type Route } from "../route.ts";
import { answers } from "./common.ts";
import { unknownModel } from "./errors.ts";

/** A name that `model` may have, and who answers for it. */
export interface OfferedModel {
  id: string;
  owner: string;
}

export function modelRoutes(offered: () => OfferedModel[]): Route[] {
  const all = (ports: Ports) => [
    ...offered(),
    ...ports.graphs.ids().map((id) => ({ id, owner: "graph" })),
  ];
  const list = route({
    method: "GET",
    path: "/models",
    tag: "Models",
    summary: "List the names that have somebody to answer: aliases, models, graphs",
    action: "member",
    answers: answers("All of them"),
    handle: ({ ports }) => json({ object: "list", data: all(ports).map(presentModel) }),
  });
  const retrieve = route({
    method: "GET",
    path: "/models/{model}",
    tag: "Models",
    summary: "Get a model",
    action: "member",
    params: z.object({ model: z.string() }),
    answers: answers("The model"),
    handle({ ports, params }) {
      const model = all(ports).find(({ id }) => id === params.model);
      if (!model) throw unknownModel(params.model);
      return json(presentModel(model));
    },
  });
  return [list, retrieve];
}

function presentModel({ id, owner }: OfferedModel) {
  return { id, object: "model", created: 0, owned_by: owner };
}
