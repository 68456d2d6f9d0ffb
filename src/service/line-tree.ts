import {
  comparePriorities,
  compareShares,
  dominantShare,
  type Contender,
  type Share,
} from '../domain/fair-share.ts';
import type { InLine, Key, ResourceAmount, TenantRow } from '../store/store.ts';
import { added, countedOf, type FairUse, type Use } from './fair-use.ts';
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
  used?: Use;
  usedItself?: Use;
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
export function treeOf({ tables }: Pick<Context, 'tables'>, atFirst: FairUse) {
  let use = atFirst;
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
      if (node.usedItself !== undefined) node.usedItself = withMore(node.usedItself, more);
      for (const each of lineOf(node)) {
        if (each.used !== undefined) each.used = withMore(each.used, more);
      }
      // Where the pool limits nothing, what all are measured against has become more.
      if (use.isRelative) use = { ...use, capacities: added(use.capacities, more) };
      for (const each of use.isRelative ? nodes.values() : lineOf(node)) recount(use, each);
    },
    async rivalOf(tenant: Key, part: 'all' | 'own'): Promise<Rival> {
      const node = await find(tenant);
      const isContested = node.own.length > 0 && entriesOf(node).length > 1;
      return rivalOf(use, { node, isOwn: part === 'own' && isContested });
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
  for (;;) {
    const unread: Node[] = [];
    const first = pick(node, unread);
    if (unread.length === 0) return first;
    for (const each of unread) await readShares(use, each);
  }
}

/** Of all who compete at a node, those that are not known yet: read at once. */
async function readShares(use: FairUse, node: Node): Promise<void> {
  const children = node.children.filter(({ waiting, used }) => waiting > 0 && used === undefined);
  const uses = await use.ofEach(children.flatMap(({ tenant }) => tenant?.key ?? []));
  for (const [i, child] of children.entries()) child.used ??= uses[i] ?? nothing;
  for (const entry of entriesOf(node)) {
    if (knownShare(entry) === undefined) await shareOf(use, entry);
  }
}

/**
 * The first of those at and below a node, by the shares that are known: without a pause, since most
 * are, and to wait for each would take longer than to compare it. Levels at which some have not been
 * read are added to `unread`, and what is answered is nothing then.
 */
function pick(node: Node, unread: Node[]): InLine | undefined {
  const [own] = node.own;
  let rivals = own === undefined ? 0 : 1;
  let only: Node | undefined;
  let least = own === undefined ? Infinity : shareKnown(node.shareItself);
  for (const child of node.children) {
    if (child.waiting === 0) continue;
    rivals += 1;
    only = child;
    least = Math.min(least, shareKnown(child.share));
  }
  if (only === undefined) return own;
  if (rivals === 1) return pick(only, unread);
  if (Number.isNaN(least)) {
    unread.push(node);
    return undefined;
  }
  let first = node.shareItself?.share === least ? own : undefined;
  for (const child of node.children) {
    if (child.waiting === 0 || child.share?.share !== least) continue;
    first = older(first, pick(child, unread));
  }
  return first;
}

/** One that is not known makes the least one unknown too. */
function shareKnown(share: Share | undefined): number {
  return share === undefined ? Number.NaN : share.share;
}

async function contestAt(use: FairUse, node: Node, asked: ReadonlySet<Node>): Promise<Contest> {
  const rivals: Rival[] = [];
  for (const entry of entriesOf(node)) {
    const { isOwn } = entry;
    const isAsked = isOwn
      ? !node.children.some((child) => asked.has(child))
      : asked.has(entry.node);
    rivals.push({ ...(await rivalOf(use, entry)), isAsked });
  }
  return { under: node.tenant, rivals: rivals.sort(compareShares) };
}

async function rivalOf(use: FairUse, entry: Entry): Promise<Rival> {
  const { node, isOwn } = entry;
  if (node.tenant === undefined) throw new Error('the root of all tenants has no rivals');
  const first = isOwn ? node.own[0] : await firstOf(use, node);
  return {
    ...(await shareOf(use, entry)),
    ...{ tenant: node.tenant, isOwn, weight: weightOf(entry) },
    job: first?.job ?? Infinity,
    used: await usedOf(use, entry),
    isAsked: true,
  };
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
  node.used ??= (await use.ofEach([node.tenant.key]))[0] ?? nothing;
  if (!isOwn) return countedOf(node.used);
  node.usedItself ??= without(node.used, await use.ofChildren(node.tenant.key));
  return countedOf(node.usedItself);
}

/** The shares that are known, anew. */
function recount({ capacities }: FairUse, node: Node): void {
  const { used, usedItself } = node;
  const weight = weightOf({ node, isOwn: false });
  if (used !== undefined) node.share = dominantShare(countedOf(used), capacities, weight);
  if (usedItself === undefined) return;
  node.shareItself = dominantShare(countedOf(usedItself), capacities, OWN_WEIGHT);
}

const nothing: Use = { present: [], recent: [] };

function withMore({ present, recent }: Use, more: readonly number[]): Use {
  return { present: added(present, more), recent };
}

/** Sums of what has decayed may differ by what is rounded. */
function without(a: Use, b: Use): Use {
  const less = (all: readonly number[], part: readonly number[]) =>
    all.map((value, i) => Math.max(0, value - (part[i] ?? 0)));
  return { present: less(a.present, b.present), recent: less(a.recent, b.recent) };
}

function older(a: InLine | undefined, b: InLine | undefined): InLine | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.job < b.job ? a : b;
}
