import {
  comparePriorities,
  compareShares,
  dominantShare,
  type Contender,
  type Share,
} from '../domain/fair-share.ts';
import type { InLine, Key, ResourceAmount, TenantRow } from '../store/store.ts';
import type { FairUse } from './fair-use.ts';
import type { Context } from './operation.ts';
import { existing } from './tenant-lookup.ts';

/** Those who compete at one level of the tree, in the order of their turn. */
export interface Contest {
  /** Under whom; undefined at the root. */
  readonly under: TenantRow | undefined;
  readonly rivals: readonly Rival[];
}

/** A tenant with all below it, or (`isOwn`) the jobs of the tenant itself under which the contest is. */
export interface Rival extends Contender, Share {
  readonly tenant: TenantRow;
  readonly isOwn: boolean;
  readonly weight: number;
  /** In the order of the resources. */
  readonly used: readonly number[];
  /** Whether the tenant in question is this one, or below it. */
  readonly isAsked: boolean;
}

/** A tenant for or below whom jobs wait; the root is none. */
interface Node {
  readonly tenant: TenantRow | undefined;
  readonly parent: Node | undefined;
  readonly children: Node[];
  /** Waiting jobs of the tenant itself, in their order. */
  readonly own: InLine[];
  /** How many wait for it and below it. */
  waiting: number;
  /** What it and all below it use, and what it uses itself; read when it first matters. */
  used?: readonly number[];
  usedItself?: readonly number[];
  share?: Share | undefined;
  shareItself?: Share | undefined;
}

/** A child of a node, or the node's own jobs, which compete as one more child of weight 1. */
interface Entry {
  readonly node: Node;
  readonly isOwn: boolean;
}

/** A tenant's own jobs among those of the tenants below it. */
const OWN_WEIGHT = 1;

/**
 * The order between tenants: at each level of the tree the lowest weighted dominant share goes on, and
 * where shares are equal the older job. What is used is read only where somebody has a rival.
 */
export function treeOf({ tables }: Pick<Context, 'tables'>, use: FairUse) {
  const root: Node = nodeOf(undefined, undefined);
  const nodes = new Map<Key, Node>();

  const find = async (tenant: Key): Promise<Node> => {
    const known = nodes.get(tenant);
    if (known !== undefined) return known;
    const row = await existing(tables, tenant);
    const parent = row.parent === null ? root : await find(row.parent);
    const node = nodeOf(row, parent);
    parent.children.push(node);
    nodes.set(tenant, node);
    return node;
  };

  return {
    first: () => firstOf(use, root),
    async add(job: InLine): Promise<void> {
      const node = await find(job.tenant);
      const at = node.own.findIndex((other) => comparePriorities(job, other) < 0);
      node.own.splice(at === -1 ? node.own.length : at, 0, job);
      for (const each of lineOf(node)) each.waiting += 1;
    },
    remove(job: InLine): void {
      const node = nodes.get(job.tenant);
      const at = node?.own.findIndex((other) => other.job === job.job) ?? -1;
      if (node === undefined || at === -1) return;
      node.own.splice(at, 1);
      for (const each of lineOf(node)) each.waiting -= 1;
    },
    async took({ tenant }: InLine, amounts: readonly ResourceAmount[]): Promise<void> {
      const node = await find(tenant);
      const more = use.resources.map(
        ({ key }) => amounts.find(({ resource }) => resource === key)?.amount ?? 0,
      );
      if (node.usedItself !== undefined) node.usedItself = sum(node.usedItself, more);
      node.shareItself = undefined;
      for (const each of lineOf(node)) {
        if (each.used !== undefined) each.used = sum(each.used, more);
        each.share = undefined;
      }
    },
    async contestsOf(tenant: Key): Promise<Contest[]> {
      const line = lineOf(await find(tenant)).reverse();
      const asked = new Set(line);
      const contests: Contest[] = [];
      for (const node of line) contests.push(await contestAt(use, node, asked));
      return contests;
    },
  };
}

async function firstOf(use: FairUse, node: Node): Promise<InLine | undefined> {
  const entries = entriesOf(node);
  const [only] = entries;
  if (entries.length < 2) return only && firstOfEntry(use, only);
  let best: { readonly entries: Entry[]; readonly share: number } | undefined;
  for (const entry of entries) {
    // Most are known already: to wait for each would take longer than to compare it.
    const { share } = knownShare(entry) ?? (await shareOf(use, entry));
    if (best === undefined || share < best.share) best = { entries: [entry], share };
    else if (share === best.share) best.entries.push(entry);
  }
  return oldest(await Promise.all((best?.entries ?? []).map((entry) => firstOfEntry(use, entry))));
}

function firstOfEntry(use: FairUse, { node, isOwn }: Entry): Promise<InLine | undefined> {
  return isOwn ? Promise.resolve(node.own[0]) : firstOf(use, node);
}

async function contestAt(use: FairUse, node: Node, asked: ReadonlySet<Node>): Promise<Contest> {
  const rivals: Rival[] = [];
  for (const entry of entriesOf(node)) {
    const { tenant } = entry.node;
    const first = await firstOfEntry(use, entry);
    if (tenant === undefined || first === undefined) continue;
    const { isOwn } = entry;
    rivals.push({
      ...(await shareOf(use, entry)),
      ...{ tenant, isOwn, job: first.job, weight: weightOf(entry) },
      used: await usedOf(use, entry),
      isAsked: isOwn ? !node.children.some((child) => asked.has(child)) : asked.has(entry.node),
    });
  }
  return { under: node.tenant, rivals: rivals.sort(compareShares) };
}

function nodeOf(tenant: TenantRow | undefined, parent: Node | undefined): Node {
  return { tenant, parent, children: [], own: [], waiting: 0 };
}

/** The node and those above it, the nearest first, the root last. */
function lineOf(node: Node): Node[] {
  const line: Node[] = [];
  for (let each: Node | undefined = node; each !== undefined; each = each.parent) line.push(each);
  return line;
}

/** Those at one level for whom somebody waits. */
function entriesOf(node: Node): Entry[] {
  const children = node.children.filter(({ waiting }) => waiting > 0);
  const entries = children.map((child) => ({ node: child, isOwn: false }));
  return node.own.length === 0 ? entries : [...entries, { node, isOwn: true }];
}

function knownShare({ node, isOwn }: Entry): Share | undefined {
  return isOwn ? node.shareItself : node.share;
}

async function shareOf(use: FairUse, entry: Entry): Promise<Share> {
  const known = knownShare(entry);
  if (known !== undefined) return known;
  const share = dominantShare(await usedOf(use, entry), use.capacities, weightOf(entry));
  if (entry.isOwn) entry.node.shareItself = share;
  else entry.node.share = share;
  return share;
}

function weightOf({ node, isOwn }: Entry): number {
  return isOwn ? OWN_WEIGHT : (node.tenant?.weight ?? OWN_WEIGHT);
}

async function usedOf(use: FairUse, { node, isOwn }: Entry): Promise<readonly number[]> {
  if (node.tenant === undefined) return [];
  node.used ??= await use.of(node.tenant.key);
  if (!isOwn) return node.used;
  if (node.usedItself !== undefined) return node.usedItself;
  const below = await use.ofChildren(node.tenant.key);
  node.usedItself = node.used.map((used, i) => Math.max(0, used - (below[i] ?? 0)));
  return node.usedItself;
}

function sum(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value + (b[i] ?? 0));
}

function oldest(jobs: readonly (InLine | undefined)[]): InLine | undefined {
  let first: InLine | undefined;
  for (const job of jobs) {
    if (job !== undefined && (first === undefined || job.job < first.job)) first = job;
  }
  return first;
}
