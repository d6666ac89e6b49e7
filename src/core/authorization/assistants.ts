import type {
  Assistant,
  AssistantContent,
  AssistantFilter,
  AssistantVersion,
} from "../assistant.ts";
import { allOf, keepAsked, meets } from "../condition.ts";
import { conflict, notFound } from "../error.ts";
import { defaultAssistantId, type AssistantId } from "../ids.ts";
import type { Found } from "../page.ts";
import type { AssistantStorage, Storage } from "../ports/storage.ts";
import type { Access, Intent } from "./access.ts";

/** Assistants with their versions, by the metadata of the active version. */
export class GuardedAssistants implements AssistantStorage {
  readonly #storage: AssistantStorage;
  readonly #access: Access;

  constructor({ assistants }: Storage, access: Access) {
    this.#storage = assistants;
    this.#access = access;
  }

  async create(assistant: Assistant): Promise<{ assistant: Assistant; created: boolean }> {
    const value = { assistant_id: assistant.assistantId };
    const condition = await this.#access.condition("assistants", "create", value);
    const metadata = this.#access.tagged("assistants", assistant.metadata);
    const result = await this.#storage.create({ ...assistant, metadata });
    if (!result.created && !meets(result.assistant.metadata, condition)) {
      throw conflict(`Assistant ${assistant.assistantId} already exists.`);
    }
    return result;
  }

  get(assistantId: AssistantId): Promise<Assistant | null> {
    return this.#see(assistantId, "read");
  }

  async version(assistantId: AssistantId, version: number): Promise<AssistantVersion | null> {
    return (await this.#see(assistantId, "read")) && this.#storage.version(assistantId, version);
  }

  async versions(params: Parameters<AssistantStorage["versions"]>[0]): Promise<AssistantVersion[]> {
    return (await this.#see(params.assistantId, "read")) ? this.#storage.versions(params) : [];
  }

  async addVersion(
    params: Parameters<AssistantStorage["addVersion"]>[0],
  ): Promise<Assistant | null> {
    const { assistantId, change } = params;
    const value = { assistant_id: assistantId };
    const condition = await this.#access.condition("assistants", "change", value);
    return this.#storage.addVersion({
      ...params,
      change: (current: AssistantContent) => {
        // Thrown inside the transaction, since the assistant may change hands just before it.
        if (!meets(current.metadata, condition)) {
          throw notFound(`No assistant found for "${assistantId}".`);
        }
        const content = change(current);
        const kept = keepAsked(current.metadata, content.metadata, condition);
        return { ...content, metadata: this.#access.tagged("assistants", kept) };
      },
    });
  }

  async activate(params: Parameters<AssistantStorage["activate"]>[0]): Promise<Assistant | null> {
    return (await this.#see(params.assistantId, "change")) && this.#storage.activate(params);
  }

  async delete(assistantId: AssistantId): Promise<boolean> {
    return (await this.#see(assistantId, "change")) !== null && this.#storage.delete(assistantId);
  }

  async search(params: Parameters<AssistantStorage["search"]>[0]): Promise<Found<Assistant>> {
    return this.#storage.search({ ...params, filter: await this.#visible(params.filter) });
  }

  async count(filter: AssistantFilter): Promise<number> {
    return this.#storage.count(await this.#visible(filter));
  }

  /**
   * A default assistant stands for its graph, which nobody owns: whether a caller may run that is asked
   * as `threads:create_run`, whose value names it. Requests about assistants get no exception.
   */
  async #see(assistantId: AssistantId, intent: Intent): Promise<Assistant | null> {
    const assistant = await this.#storage.get(assistantId);
    if (!assistant) return null;
    const isDefault = assistantId === defaultAssistantId(assistant.graphId);
    if (isDefault && !this.#access.isAbout("assistants")) return assistant;
    const value = { assistant_id: assistantId };
    const condition = await this.#access.condition("assistants", intent, value);
    return meets(assistant.metadata, condition) ? assistant : null;
  }

  async #visible(filter: AssistantFilter): Promise<AssistantFilter> {
    const condition = await this.#access.condition("assistants", "search", {});
    return { ...filter, visible: allOf([filter.visible ?? null, condition]) };
  }
}
