import type { AssistantVersion } from "../assistant.ts";
import { mergeContexts, normalizeConfig } from "../config.ts";
import {
  changeCron,
  isPastEnd,
  nextFiring,
  type Cron,
  type CronChange,
  type CronFilter,
  type CronRequest,
  type CronSortField,
} from "../cron.ts";
import { AdjutantError, invalid, notFound } from "../error.ts";
import { defaultAssistantId, type CronId, type ThreadId } from "../ids.ts";
import type { JsonObject } from "../json.ts";
import type { Found, Page, Sort } from "../page.ts";
import type { Ports } from "../ports/ports.ts";
import { parseAssistantReference } from "../assistant.ts";
import type { Run, Strategy } from "../run.ts";
import { runFields } from "../trace-context.ts";
import { assistantForRun } from "./assistants.ts";
import { checkWebhook } from "./deliveries.ts";
import { requireThread } from "./find.ts";
import { createRun } from "./runs.ts";
import { newThread } from "./threads.ts";

export interface CreateCron {
  /** An assistant's or graph's id, perhaps with `@version`. */
  assistant: string;
  threadId: ThreadId | null;
  ifNotExists: "create" | "reject";
  schedule: string;
  timezone: string | null;
  endTime: number | null;
  enabled: boolean;
  onRunCompleted: "delete" | "keep";
  strategy: Strategy;
  request: CronRequest;
  metadata: JsonObject;
}

/** @throws not_found (assistant, thread), invalid (schedule, time zone, webhook, context). */
export async function createCron(ports: Ports, command: CreateCron): Promise<Cron> {
  const { assistant: reference, ifNotExists, ...content } = command;
  const assistant = await assistantForRun(ports, reference, null);
  const now = ports.clock.now();
  const cron: Cron = {
    ...content,
    cronId: ports.ids.cron(),
    assistantId: assistant.assistantId,
    assistantVersion: namesVersion(ports, reference) ? assistant.version : null,
    createdAt: now,
    updatedAt: now,
    userId: ports.caller?.identity ?? null,
    nextRunDate: null,
  };
  await checkCron(ports, cron, assistant);
  if (cron.threadId !== null) await findThread(ports, cron.threadId, ifNotExists);
  cron.nextRunDate = nextFiring(cron, now, ports.schedules.next.bind(ports.schedules));
  await ports.storage.crons.create(cron);
  ports.signals.publish({ kind: "schedule" });
  // As it was stored: it may have been given its caller's tags.
  return (await ports.storage.crons.get(cron.cronId)) ?? cron;
}

function namesVersion(ports: Ports, reference: string): boolean {
  return !ports.graphs.has(reference) && parseAssistantReference(reference).version !== null;
}

async function findThread(
  ports: Ports,
  threadId: ThreadId,
  ifNotExists: "create" | "reject",
): Promise<void> {
  if (ifNotExists === "create") await ports.storage.threads.create(newThread(ports, threadId));
  else await requireThread(ports, threadId);
}

async function checkCron(ports: Ports, cron: Cron, assistant: AssistantVersion): Promise<void> {
  ports.schedules.check(cron.schedule, cron.timezone);
  if (ports.schedules.next(cron.schedule, cron.timezone, ports.clock.now()) === null) {
    throw invalid(`The schedule ${JSON.stringify(cron.schedule)} names a date that never comes.`);
  }
  checkWebhook(ports, cron.request.webhook);
  const { config, context } = cron.request;
  const own = { config: normalizeConfig(config), context: context ?? {} };
  await ports.graphs.checkContext(assistant.graphId, mergeContexts(assistant, own));
}

/** @throws not_found */
export async function getCron(ports: Ports, cronId: CronId): Promise<Cron> {
  const cron = await ports.storage.crons.get(cronId);
  if (!cron) throw noCron(cronId);
  return cron;
}

/**
 * Counts the next date anew when the change touches it; else a date that has just come would be lost.
 * @throws not_found, and invalid as `createCron` does.
 */
export async function updateCron(ports: Ports, cronId: CronId, change: CronChange): Promise<Cron> {
  const current = await getCron(ports, cronId);
  const { assistantId, assistantVersion } = current;
  const assistant = await assistantForRun(ports, assistantId, assistantVersion);
  await checkCron(ports, changeCron(current, change, 0), assistant);
  const now = ports.clock.now();
  const dated = ["schedule", "timezone", "endTime", "enabled"].some((key) => key in change);
  const updated = await ports.storage.crons.update(cronId, (stored) => {
    const next = changeCron(stored, change, now);
    if (!dated) return next;
    const nextRunDate = nextFiring(next, now, ports.schedules.next.bind(ports.schedules));
    return { ...next, nextRunDate };
  });
  if (!updated) throw noCron(cronId);
  ports.signals.publish({ kind: "schedule" });
  return updated;
}

/** Its runs stay. @throws not_found */
export async function deleteCron(ports: Ports, cronId: CronId): Promise<void> {
  if (!(await ports.storage.crons.delete(cronId))) throw noCron(cronId);
}

export function searchCrons(
  ports: Ports,
  query: { filter: CronFilter; sort: Sort<CronSortField>; page: Page },
): Promise<Found<Cron>> {
  return ports.storage.crons.search({ ...query, filter: byId(ports, query.filter) });
}

export function countCrons(ports: Ports, filter: CronFilter): Promise<number> {
  return ports.storage.crons.count(byId(ports, filter));
}

/** A graph's id stands for its default assistant, here as elsewhere. */
function byId(ports: Ports, filter: CronFilter): CronFilter {
  const { assistantId } = filter;
  if (assistantId === undefined || !ports.graphs.has(assistantId)) return filter;
  return { ...filter, assistantId: defaultAssistantId(assistantId) };
}

/**
 * Makes the run of a cron that was claimed, then sets its next date. The run's key is the cron's date:
 * should this server die in between, whoever claims the date again makes no second run.
 */
export async function fireCron(ports: Ports, cron: Cron): Promise<void> {
  const { cronId, nextRunDate } = cron;
  if (nextRunDate === null) return;
  const now = ports.clock.now();
  if (!isPastEnd(cron, now)) {
    try {
      const run = await createCronRun(ports, cron, nextRunDate);
      ports.meter?.cronFired("run");
      ports.log.info({ cron_id: cronId, ...runFields(run) }, "a cron has fired");
    } catch (thrown) {
      // What is wrong with the cron will be so tomorrow; what is wrong with the database will not.
      if (!(thrown instanceof AdjutantError)) throw thrown;
      ports.meter?.cronFired("refused");
      ports.log.warn({ cron_id: cronId, error: thrown.message }, "a cron made no run this time");
    }
  }
  const to = nextFiring(cron, now, ports.schedules.next.bind(ports.schedules));
  await ports.storage.crons.advance({ cronId, from: nextRunDate, to });
}

async function createCronRun(ports: Ports, cron: Cron, date: number): Promise<Run> {
  const span = ports.tracing?.start({
    name: "cron",
    kind: "internal",
    parent: null,
    attributes: { "adjutant.cron.id": cron.cronId },
  });
  const traced = span ? { ...ports, traceparent: span.traceparent } : ports;
  return createRun(onBehalfOf(traced, cron.userId), {
    ...cron.request,
    idempotencyKey: `cron:${cron.cronId}:${date}`,
    threadId: cron.threadId,
    assistant: cron.assistantId,
    assistantVersion: cron.assistantVersion,
    command: null,
    checkpoint: null,
    metadata: { ...cron.metadata, cron_id: cron.cronId },
    configurable: {},
    feedbackKeys: null,
    strategy: cron.threadId === null ? "enqueue" : cron.strategy,
    ifNotExists: "reject",
    // Whoever may see the cron may see the threads it makes.
    threadMetadata: cron.userId === null ? {} : cron.metadata,
    afterMs: 0,
    onCompletion: cron.onRunCompleted,
  }).finally(() => span?.end());
}

/** The graph learns whose cron it was; whether they may is asked when a cron is created. */
function onBehalfOf(ports: Ports, identity: string | null): Ports {
  if (identity === null) return ports;
  return { ...ports, caller: { identity, permissions: [], profile: { identity } } };
}

function noCron(cronId: string): AdjutantError {
  return notFound(`Cron not found: there is no cron ${cronId}.`);
}
