import {
  UNTIL_OPEN,
  type Head,
  type Key,
  type Place,
  type ReservationRow,
} from '../store/store.ts';
import { chargesOf, type Question } from './job-admission.ts';
import { openLine, type Line } from './line.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { roomAt, type RoomAt } from './room.ts';

/** Those who fit where room has appeared, in the order in which they are looked at. */
export interface PromotionContest {
  first(): Promise<Head | undefined>;
  /** It was looked at and waits elsewhere now. */
  passed(head: Head): Promise<void>;
  /** It was admitted: there is less room now. */
  started(head: Head, question: Question): Promise<void>;
  /** Places at which some have not been looked at. */
  placesLeft(): Place[];
}

/** A place with room, and what is known of those who fit there. */
interface Door {
  readonly place: Place;
  room: RoomAt;
  /** The room for each of those who wait there and for whom room is kept. */
  roomKept: ReadonlyMap<Key, RoomAt>;
  readonly heads: Map<Key, Head>;
  /** Whether there are more heads than were read. */
  readonly isCut: boolean;
}

/**
 * So many heads of one place are read: each stands for all that are alike but younger. More than so
 * many that all fit at once are rare; the others come with the next change.
 */
const MOST_HEADS = 4_000;

/** What waits for `amount` where there is so much room. */
function leastOf({ isOpen }: RoomAt): number {
  return isOpen ? UNTIL_OPEN : UNTIL_OPEN + 1;
}

export async function openContest(
  context: Context,
  places: readonly Place[],
): Promise<PromotionContest> {
  const { tables, caller } = context;
  const limit = caller.dryRun === true ? Number.MAX_SAFE_INTEGER : MOST_HEADS;
  const doors: Door[] = [];
  for (const place of places) doors.push(await openDoor(context, place, limit));
  const lines = new Map<Key, Line>();
  const doorOfJob = new Map<Key, Door>();

  const add = async (door: Door, head: Head) => {
    if (doorOfJob.has(head.job)) return;
    doorOfJob.set(head.job, door);
    door.heads.set(head.job, head);
    let line = lines.get(head.pool);
    if (line === undefined) {
      line = await openLine(context, await existingPool(tables, head.pool), []);
      lines.set(head.pool, line);
    }
    await line.add(head);
  };

  const drop = (door: Door, head: Head) => {
    door.heads.delete(head.job);
    doorOfJob.delete(head.job);
    lines.get(head.pool)?.remove(head);
  };

  const replace = async (head: Head) => {
    const door = doorOfJob.get(head.job);
    if (door === undefined) return;
    drop(door, head);
    const next = await tables.waiting.nextAt(door.place, head);
    if (next !== undefined && fits(next, door)) await add(door, next);
  };

  for (const door of doors) for (const head of [...door.heads.values()]) await add(door, head);
  return {
    async first() {
      let oldest: Head | undefined;
      for (const line of lines.values()) {
        const job = await line.first();
        const head = job && doorOfJob.get(job.job)?.heads.get(job.job);
        if (head !== undefined && (oldest === undefined || head.job < oldest.job)) oldest = head;
      }
      return oldest;
    },
    passed: replace,
    async started(head, question) {
      await lines.get(head.pool)?.took(head, chargesOf(question));
      const reserved = await tables.reservations.list();
      for (const door of doors) {
        if (door.heads.size === 0) continue;
        Object.assign(door, await roomsAt(context, door.place, reserved));
        for (const other of door.heads.values()) {
          if (other.job !== head.job && !fits(other, door)) drop(door, other);
        }
      }
      await replace(head);
    },
    placesLeft: () =>
      doors.filter(({ heads, isCut }) => isCut || heads.size > 0).map(({ place }) => place),
  };
}

function fits({ job, amount }: Head, { room, roomKept }: Pick<Door, 'room' | 'roomKept'>): boolean {
  return amount >= leastOf(room) && amount <= (roomKept.get(job) ?? room).free;
}

async function openDoor(context: Context, place: Place, limit: number): Promise<Door> {
  const { waiting, reservations } = context.tables;
  const reserved = await reservations.list();
  const { room, roomKept } = await roomsAt(context, place, reserved);
  const found = await waiting.headsAt(place, leastOf(room), room.free, limit);
  const heads = new Map(found.map((head) => [head.job, head]));
  for (const job of roomKept.keys()) {
    const holder = await waiting.byJob(job);
    if (holder !== undefined && fits(holder, { room, roomKept })) heads.set(job, holder);
  }
  return { place, room, roomKept, heads, isCut: found.length === limit };
}

/** What is kept for somebody is room for it alone. */
async function roomsAt(
  context: Context,
  place: Place,
  reserved: readonly ReservationRow[],
): Promise<Pick<Door, 'room' | 'roomKept'>> {
  const roomKept = new Map<Key, RoomAt>();
  for (const job of new Set(reserved.map((row) => row.job))) {
    const holder = await context.tables.waiting.byJob(job);
    const isThere = holder?.scope === place.scope && holder.resource === place.resource;
    if (isThere) roomKept.set(job, await roomAt(context, place, reserved, job));
  }
  return { room: await roomAt(context, place, reserved), roomKept };
}
