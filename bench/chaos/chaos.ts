import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { audit, type Figure } from "./audit.ts";
import { Customer } from "./customer.ts";
import { Fleet } from "./fleet.ts";

/** Time a server lives before it is killed, in ms: from, to. */
const lifeMs = [200, 1500] as const;

export interface ChaosResult {
  figures: Figure[];
  /** From each kill to the first answer of the server's next process, in ms, ascending. */
  recoveriesMs: number[];
}

/** Servers under load, killed at random moments; then what is left is compared with what was asked for. */
export async function chaos(params: {
  directory: string;
  servers: number;
  databaseUri: string | undefined;
  kills: number;
  customers: number;
  onProgress: (text: string) => void;
}): Promise<ChaosResult> {
  const { kills, onProgress } = params;
  await using fleet = await Fleet.start(params);
  const customers = Array.from(
    { length: params.customers },
    (_, at) => new Customer(at, () => fleet.urls),
  );
  const over = new AbortController();
  const work = Promise.all(customers.map((customer) => customer.work(over.signal)));
  const recoveriesMs: number[] = [];
  const killing = async () => {
    for (let kill = 0; kill < kills; kill += 1) {
      await delay(lifeMs[0] + Math.random() * (lifeMs[1] - lifeMs[0]));
      recoveriesMs.push(await fleet.crash(kill % params.servers));
      onProgress(`kill ${kill + 1} of ${kills}`);
    }
    await delay(lifeMs[0]);
    over.abort();
  };
  await Promise.all([killing(), work]);
  onProgress("looking at what is left");
  const threads = await Promise.all(
    customers.map(async (customer) => ({ asked: customer.asked, ...(await customer.state()) })),
  );
  const figures = audit({
    witnesses: customers.flatMap(({ witnesses }) => witnesses),
    threads,
    ledger: readFileSync(fleet.ledger, "utf8").trimEnd().split("\n"),
  });
  return { figures, recoveriesMs: recoveriesMs.toSorted((a, b) => a - b) };
}
